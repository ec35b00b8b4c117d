import { CaptureRefused } from '#consent'
import type { InteractionPages, PendingConsent } from '../interaction.ts'
import { consentPage } from './consent-page.ts'
import { errorPage } from './error-page.ts'
import { languageOf } from './languages.ts'
import { gonePage, missingAnswerPage } from './notice-pages.ts'
import { documentOf, type Page, pageHeaders } from './page.ts'
import type { PageContext } from './page-needs.ts'
import { maskedNumber } from './show-number.ts'

/**
 * The pages of the code flow. Where a form of them ends is the partner's page: browsers hold redirects after a form to
 * `form-action`, so every place that can be registered is allowed there.
 */
export function createInteractionPages(context: PageContext): InteractionPages {
  const { house, consent } = context
  const answerOf = (page: Page) => ({
    status: page.status ?? 200,
    headers: {
      ...pageHeaders(house, "'self' https: http://localhost:* http://127.0.0.1:*"),
      'content-type': 'text/html; charset=utf-8',
      'content-language': page.locale,
    },
    body: documentOf(house, page),
  })

  const show = async (pending: PendingConsent) => {
    const { captureToken, locales, query } = pending
    const chosen = query.get('locale')
    const view = await consent.openCapture(
      captureToken,
      chosen === undefined ? locales : [chosen, ...locales],
    )
    if (view?.environment !== context.environment) return answerOf(gonePage(languageOf(locales)))
    const fields = {
      form_token: pending.formToken,
      text: view.textHash,
      locale: view.notice.locale,
    }
    return answerOf(
      consentPage(
        house,
        view,
        { action: pending.action, fields },
        {
          maskedNumber:
            view.sealedNumber === undefined
              ? undefined
              : maskedNumber(context.openNumber(view.sealedNumber)),
          languageLink: (locale) => `${pending.action}?locale=${encodeURIComponent(locale)}`,
        },
      ),
    )
  }

  return {
    show,
    async answer(pending, form) {
      const said = form.get('answer')
      const locale = form.get('locale') ?? ''
      if (said !== 'allow' && said !== 'refuse')
        return answerOf(missingAnswerPage(languageOf([locale, ...pending.locales])))
      try {
        await consent.answerCapture(pending.captureToken, said, {
          method: 'network',
          textHash: form.get('text') ?? '',
          locale,
        })
      } catch (error) {
        if (!(error instanceof CaptureRefused)) throw error
        if (error.reason === 'other-text') return await show(pending)
        // Pressed twice, or in two windows: the flow looks at what was decided.
      }
      return 'answered'
    },
    refusal: ({ status, code, description, correlator, locales }) =>
      answerOf(errorPage(languageOf(locales), { status, code, description, correlator })),
  }
}
