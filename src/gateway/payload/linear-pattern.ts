/** A gateway turns on what its validators rely on. @public */
export { enableLinearPatterns } from '#validation'
