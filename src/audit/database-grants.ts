import { append, keep, type ModuleGrants, read } from '#platform/declared-grants'

/**
 * Evidence is written once: nobody may change, remove or empty it, and nobody owns it but who migrates. What retention and
 * erasure take away goes by functions that write a leaf about it.
 * @public
 */
export const databaseGrants: ModuleGrants = {
  tables: {
    checkpoint: { control: append },
    checkpoint_export: { control: append },
    entry: { control: append },
    // Who asked for an erasure, and who confirmed it.
    erasure: { control: keep },
    evidence: { control: read },
    evidence_day: { control: read },
    key_epoch: { control: read },
    leaf: { control: read },
    node: { control: read },
    party: { control: append },
    personal: { control: append },
    segment: { control: append },
    // The private half is sealed anew after a rotation, as are the keys of subscribers: triggers hold control to that.
    signing_key: { control: [...append, 'update(sealed_private_key)'] },
    subject: { control: [...append, 'update(wrapped_key)'] },
  },
  sequences: { segment_id: ['control'] },
  functions: {
    append_evidence: ['control'],
    append_leaf: ['control'],
    erase_subject: ['control'],
    forget_actions: ['control'],
    forget_evidence: ['control'],
    forget_exchange_day: ['control'],
    forget_unused_keys: ['control'],
    make_evidence_day: ['control'],
  },
}
