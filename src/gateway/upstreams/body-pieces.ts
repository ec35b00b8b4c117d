const freePieces = 1_024
const fewestBytes = 64

/**
 * Whether a body comes in so many and so small pieces (chunks, DATA frames) that taking them is the work, and not the
 * bytes. Slow networks cut bodies into pieces of hundreds of bytes; only somebody who means it sends thousands of single
 * ones.
 * @public
 */
export const isCrumbled = (pieces: number, bytes: number): boolean =>
  pieces > freePieces + bytes / fewestBytes
