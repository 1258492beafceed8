import type { defaultProvider } from '@aws-sdk/credential-provider-node'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { AccessToken } from './oauth-token.ts'

type Credentials = ReturnType<typeof defaultProvider>

let provider: Credentials | undefined

/** The AWS credentials of the process, by the chain that the S3 client uses where no keys are configured. */
export async function processCredentials(): Promise<Credentials> {
  // Other brokers need none of it.
  const aws = await import('@aws-sdk/credential-provider-node')
  provider ??= aws.defaultProvider()
  return provider
}

/** For how long brokers accept a token: the longest time that Amazon MSK allows. */
const MSK_LIFETIME_S = 900
const SERVICE = 'kafka-cluster'

interface Signing {
  readonly region: string
  readonly credentials: Credentials
  /** In ms since 1970. */
  readonly now: number
}

/**
 * A token for the IAM access control of Amazon MSK: a presigned request (Signature Version 4) to connect to the cluster,
 * as base64url. It has the access key id and the session token, never the secret key. Nothing is sent but what the
 * credentials need. Rejects with `publish.failed`.
 */
export async function mskToken({ region, credentials, now }: Signing): Promise<AccessToken> {
  const { Sha256 } = await import('@smithy/core/checksum')
  const { SignatureV4 } = await import('@smithy/signature-v4')
  const identity = await credentials().catch((error: unknown) => {
    const name = error instanceof Error ? error.name : 'unknown error'
    throw new ConnectorError('publish.failed', `sign a token for Amazon MSK: no AWS credentials found (${name})`)
  })
  const hostname = `kafka.${region}.amazonaws.com`
  const request = { method: 'GET', protocol: 'https:', hostname, path: '/', headers: { host: hostname } }
  const signer = new SignatureV4({ service: SERVICE, region, credentials: identity, sha256: Sha256 })
  const { query = {} } = await signer.presign(
    { ...request, query: { Action: `${SERVICE}:Connect` } },
    { expiresIn: MSK_LIFETIME_S, signingDate: new Date(now) },
  )
  // Brokers log the agent, which is not signed.
  const parameters = Object.entries({ ...query, 'User-Agent': 'polaris-connector' })
  const text = parameters.map((parameter) => parameter.map((part) => encodeURIComponent(String(part))).join('='))
  return {
    value: Buffer.from(`https://${hostname}/?${text.join('&')}`).toString('base64url'),
    lifetimeMs: MSK_LIFETIME_S * 1000,
  }
}
