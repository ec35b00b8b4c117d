/** What `wayleave doctor` found: fine, worth knowing, or to be mended, with how. */
export type Finding = { level: 'ok' | 'note' | 'mend'; what: string; how?: string }
