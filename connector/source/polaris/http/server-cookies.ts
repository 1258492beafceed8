import type { Clock } from '../../../runtime/clock.ts'
import type { ServerCookies } from './cookie-jar.ts'

/** Loads the cookie jar with the first cookie: most servers set none, and it takes 8 MB. `base`: URL of the API. */
export function serverCookies(base: URL, clock: Pick<Clock, 'now'>): ServerCookies {
  let loading: Promise<ServerCookies> | undefined
  const jar = async () => {
    const { cookieJar } = await import('./cookie-jar.ts')
    return cookieJar(base, clock)
  }
  return {
    header: async (url) => (loading === undefined ? '' : (await loading).header(url)),
    keep: async (texts, response) => {
      if (texts.length === 0) return []
      loading ??= jar()
      return (await loading).keep(texts, response)
    },
  }
}
