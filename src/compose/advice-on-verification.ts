/** What somebody does next who is told that the log of evidence does not hold. */
export const adviceOn = (reason: string): string =>
  /cut off|rewritten|not in the database any more/.test(reason)
    ? 'Either somebody removed or rewrote entries, or the database was restored from an older copy. Keep this report and the exported checkpoints. After a restore of your own, “After a restore” in docs/guides/evidence.md tells how signing goes on; nothing is signed until then.'
    : 'Keep this report. “Verify the database” in docs/guides/evidence.md tells what it means.'
