import { AppError } from '#platform/app-error'

/** One answer for every reason, so that it tells nothing about which part was wrong (CAMARA Commonalities, N12). */
export const unauthenticated = (): AppError =>
  new AppError('UNAUTHENTICATED', 'Sign in, or send an API token.', {
    headers: { 'www-authenticate': 'Bearer' },
  })
