import type { ErrorCode } from '../../../runtime/error-catalogue.ts'
import type { AuthConfig } from '../polaris-config.ts'

/** How a stream authenticates: `polaris.auth`, and the scheme of the token that its calls carry. */
export interface Access {
  readonly auth: AuthConfig['kind']
  /** In lower case, such as `bearer`. */
  readonly tokenScheme?: string | undefined
}

export function accessOf(auth: AuthConfig): Access {
  const sendAs = auth.kind === 'login' ? auth.login.token?.sendAs : undefined
  return { auth: auth.kind, tokenScheme: sendAs?.kind === 'header' ? sendAs.prefix?.trim().toLowerCase() : undefined }
}

/** What a 401 means. Without an offer that the connector can accept, it is not about user and password. */
export function unauthorized(
  { url, schemes = [] }: { readonly url: URL; readonly schemes?: readonly string[] | undefined },
  { auth, tokenScheme }: Access,
): { readonly code: ErrorCode; readonly message: string } {
  const isSupported = (scheme: string) => ['basic', tokenScheme].includes(scheme.toLowerCase())
  const offered = schemes.join(', ')
  if (schemes.length > 0 && !schemes.some(isSupported)) {
    const path = url.pathname.replace(/[^/]*$/, '')
    return {
      code: 'source.authentication-unsupported',
      message: `the server requires authentication by ${offered}, which is not supported: enable Basic or anonymous access for ${path} in IIS`,
    }
  }
  const isBasicOffered = schemes.includes('Basic')
  const message =
    auth === 'none'
      ? `the server requires ${isBasicOffered ? 'Basic ' : ''}authentication, and POLARIS_AUTH is none`
      : `the server refuses the user${auth === 'basic' || schemes.length === 0 ? '' : `; it offers ${offered}`}`
  return { code: 'source.unauthorized', message }
}
