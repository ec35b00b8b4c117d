import { createHash } from 'node:crypto'

/**
 * The whole style of the pages of subscribers; it stands in the page itself, so that one answer is all there is to load.
 * Each colour names both themes. Directions are logical, so that a page can run from right to left.
 */
const css = `
:root{color-scheme:light dark;--page:light-dark(#f6f7f9,#0e1116);--surface:light-dark(#fff,#161b22);
--line:light-dark(#e2e5ea,#29303a);--edge:light-dark(#868f9d,#6d7887);--text:light-dark(#12161c,#e9ecf0);
--soft:light-dark(#4b5462,#a8b1bd);--brand:light-dark(#2450c4,#9ab7ff);--brand-soft:light-dark(#eef3ff,#1a2440);
--good:light-dark(#0b6637,#72d89d);--bad:light-dark(#ab2019,#ff9f96);--warn:light-dark(#834500,#f0ba66)}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",sans-serif;
overflow-wrap:anywhere}
header,main,footer{max-inline-size:40rem;margin-inline:auto;padding-inline:1rem}
header{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:baseline;justify-content:space-between;padding-block:1rem .75rem}
header strong{font-size:1.0625rem}
header span{color:var(--soft);font-size:.875rem}
.sandbox{border:1px solid var(--edge);border-radius:1rem;padding:.05rem .6rem}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin-block-end:.5rem}
footer{color:var(--soft);font-size:.875rem;padding-block:1rem 2rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}
h2{font-size:1.0625rem;margin:1.5rem 0 .25rem}
h3{font-size:1rem;margin:0}
p{margin:.25rem 0 .75rem}
a{color:var(--brand)}
.card{background:var(--surface);border:1px solid var(--line);border-radius:.875rem;padding:1.25rem;margin-block:0 1rem}
.soft{color:var(--soft)}.small{font-size:.875rem}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
ul,ol{margin:.25rem 0 .75rem;padding-inline:1.25rem}
li{margin-block:.25rem}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.25rem 1rem;margin:.5rem 0}
dt{color:var(--soft)}dd{margin:0}
.number{font-variant-numeric:tabular-nums;direction:ltr;unicode-bidi:isolate;white-space:nowrap}
.answers{display:grid;grid-template-columns:1fr 1fr;gap:.75rem;margin-block:1.5rem .5rem}
.answers form{display:contents}
button,.button{font:inherit;font-weight:600;min-block-size:2.75rem;padding:.5rem 1rem;border:1px solid var(--edge);
border-radius:.5rem;background:var(--surface);color:var(--text);cursor:pointer;text-decoration:none;display:inline-block;text-align:center}
button:hover,.button:hover{background:var(--brand-soft)}
:focus-visible{outline:3px solid var(--brand);outline-offset:2px}
label{display:block;font-weight:600;margin-block:.75rem .25rem}
input,select{font:inherit;inline-size:100%;min-block-size:2.75rem;padding:.5rem .75rem;border:1px solid var(--edge);
border-radius:.5rem;background:var(--surface);color:var(--text)}
input[aria-invalid]{border-color:var(--bad)}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-block-start:1rem}
.actions form{margin:0}
details{margin-block:.5rem}summary{cursor:pointer}
.sms{border:1px solid var(--line);border-radius:.875rem;padding:.75rem 1rem;margin-block:.75rem}
.phone{max-inline-size:26rem;margin-inline:auto}
@media(max-width:26rem){.answers{grid-template-columns:1fr}dl{grid-template-columns:1fr;gap:0}dd{margin-block-end:.5rem}}
`
  .trim()
  .replaceAll('\n', '')

/** @see CSP level 3: a style element is taken by the hash of what stands in it */
export const style = css
export const styleSource = `'sha256-${createHash('sha256').update(css).digest('base64')}'`
