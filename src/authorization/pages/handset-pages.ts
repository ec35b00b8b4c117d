import { createHash } from 'node:crypto'
import { Html, html } from './html.ts'
import type { FormTokens, Page, PageHouse } from './page.ts'

/** A subscriber that a handset of the sandbox can be. */
export type SeededSubscriber = { phoneNumber: string; title: string; behaviour: string }
/** What reached a handset. */
export type HandsetMessage = { id: string; text: string; receivedAt: Date }

const hidden = (token: string): Html =>
  html`<input type="hidden" name="form_token" value="${token}">`

/** English, as all that is for developers; the messages have the language of their reader. */
export function choosePage(
  house: PageHouse,
  tokens: FormTokens,
  subscribers: readonly SeededSubscriber[],
  chosen: string | undefined,
): Page {
  const options = subscribers.map(
    ({ phoneNumber, title }) =>
      html`<option value="${phoneNumber}"${phoneNumber === chosen && html` selected`}>${phoneNumber} · ${title}</option>`,
  )
  return {
    locale: 'en',
    title: 'Virtual handset',
    body: html`<div class="card phone"><h1>Virtual handset</h1>
<p>Be one of the sandbox’s subscribers: this browser is then on the mobile network with that number, as network
authentication needs it, and gets the messages and consent links that are sent to it.</p>
<form method="post" action="${house.url}/handset">${hidden(tokens('handset'))}
<label for="number">Subscriber</label><select id="number" name="number">${options}</select>
<div class="actions"><button>Switch on</button></div></form>
<p class="small soft">The numbers belong to nobody. None of this exists in production.</p></div>`,
  }
}

/** The handset that is on. */
export function handsetPage(
  house: PageHouse,
  tokens: FormTokens,
  shown: {
    subscriber: SeededSubscriber
    messages: readonly HandsetMessage[]
    ofPartner: boolean
  },
): Page {
  const { subscriber, messages, ofPartner } = shown
  return {
    locale: 'en',
    title: 'Virtual handset',
    script: pollScript,
    body: html`<div class="card phone"><h1><span class="number">${subscriber.phoneNumber}</span></h1>
<p>${subscriber.title}<br><span class="small soft">${subscriber.behaviour}</span></p>
<p class="good">On the mobile network: this browser is this subscriber.</p>
<h2>Messages</h2>
<div id="messages" role="log" aria-label="Messages" data-from="${house.url}/handset/messages" data-newest="${newestOf(messages)}">${messageList(house, messages)}</div>
<p class="small"><a href="${house.url}/handset">Look again</a></p>
${!ofPartner && html`<p class="small soft">Messages of your applications come here when you open the handset from your portal’s page “Received messages”.</p>`}
<div class="actions"><a class="button" href="${house.url}/privacy">Privacy page</a>
<form method="post" action="${house.url}/handset/off">${hidden(tokens('handset-off'))}<button>Switch off</button></form></div></div>`,
  }
}

/** By this the page knows whether something arrived since. */
export const newestOf = (messages: readonly HandsetMessage[]): string => messages[0]?.id ?? ''

/** What the page puts in anew when something arrived. */
export function messageList(house: PageHouse, messages: readonly HandsetMessage[]): Html {
  if (messages.length === 0)
    return html`<p class="soft">None yet. They appear here as they arrive.</p>`
  return html`${messages.map(
    ({ text, receivedAt }) => html`<article class="sms"><p>${withLinks(house, text)}</p>
<p class="small soft"><time datetime="${receivedAt.toISOString()}">${receivedAt.toISOString().slice(0, 19).replace('T', ' ')} UTC</time></p></article>`,
  )}`
}

/** Only addresses of this very server become links: a message is text that anybody may have caused. */
function withLinks(house: PageHouse, text: string): Html[] {
  return text.split(/(https?:\/\/[^\s<>"']+)/).map((piece) => {
    const address = piece.replace(/[.,;:!?)]+$/, '')
    if (!address.startsWith(`${house.url}/`)) return html`${piece}`
    return html`<a href="${address}">${address}</a>${piece.slice(address.length)}`
  })
}

/** Asks every few seconds and puts in what is new; without script the page is loaded again by its link. */
const pollText = [
  "setInterval(async()=>{if(document.hidden)return;const e=document.getElementById('messages');",
  "try{const r=await fetch(e.dataset.from,{cache:'no-store'});const n=r.headers.get('x-newest')??'';",
  'if(!r.ok||n===e.dataset.newest)return;e.innerHTML=await r.text();e.dataset.newest=n}catch{}},2000)',
].join('')

const pollScript = {
  text: new Html(pollText),
  source: `'sha256-${createHash('sha256').update(pollText).digest('base64')}'`,
}
