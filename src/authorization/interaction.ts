import type { Environment } from '#platform/config'

/**
 * The seam between the authorization endpoint and the pages that a subscriber sees in the code flow. The flow owns the
 * address, the cookie that binds it to one browser, and the checks that a form was sent from the page itself; a page
 * owns its words and what an answer is. Nothing else knows both.
 */

/** An answer in HTML. `headers` come beside those that every page gets (`no-store`, `nosniff`, no framing). */
export type Page = { status: number; headers?: Readonly<Record<string, string>>; body: string }

/** A question that waits for the subscriber of this browser. */
export type PendingConsent = {
  environment: Environment
  correlator: string
  /** of `ConsentDirectory.beginCapture`: what `openCapture` and `answerCapture` take */
  captureToken: string
  /** where the form posts to, a path of this origin; the address of the page itself */
  action: string
  /** a hidden field that the form has to carry as `form_token`: the flow compares it before `answer` is called */
  formToken: string
  /** best first: `ui_locales` of the request, then what the browser asks for */
  locales: readonly string[]
  /** the query of the page's address, for its own use such as a switch of language (`?locale=de`) */
  query: ReadonlyMap<string, string>
}

/** Pages of the code flow. */
export interface InteractionPages {
  /** GET. A capture that is gone gets a page that says so; the flow can be left only by the partner's own page then. */
  show(pending: PendingConsent): Promise<Page>
  /**
   * POST. The cookie, the origin and the form token were right and the fields stand there once each. It answers the
   * capture (`answerCapture` lets one answer count) and gives `answered`: the flow goes on and decides anew. A form
   * that says nothing gets its page again.
   */
  answer(pending: PendingConsent, form: ReadonlyMap<string, string>): Promise<Page | 'answered'>
  /** What a person sees when the flow cannot go back to a partner's page: an unknown client, a link that has expired. */
  refusal(refusal: {
    environment: Environment
    status: number
    correlator: string
    /** the OAuth code, or that of this product */
    code: string
    /** plain text for the developer who reads it; holds nothing of a subscriber */
    description: string
    locales: readonly string[]
  }): Page
}
