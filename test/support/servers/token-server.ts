import { createSign, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificates, makeCertificates } from './certificates.ts'
import { type ScriptedCall, scriptedServer } from './scripted-http.ts'

export const tokenClient = { id: 'connector & co', secret: 'tökén+sécret/%' } as const

/** An authorization server over TLS, with an authority of its own. */
export interface TokenServer {
  readonly tokenEndpoint: string
  /** The public key, for brokers. */
  readonly jwksEndpoint: string
  readonly issuer: string
  /** PEM file. */
  readonly authority: string
  /** The tokens issued so far. */
  readonly issued: readonly string[]
  /** Of later tokens. */
  readonly settings: TokenSettings
  close(): Promise<void>
}

interface TokenSettings {
  lifetimeS: number
  /** Whether requests for tokens end without an answer. */
  isDown: boolean
}

const subject = 'app'

/** Issues signed tokens (RS256) for `User:app` and the requested audience, on a free loopback port. */
export async function startTokenServer(settings: TokenSettings): Promise<TokenServer> {
  const directory = mkdtempSync(join(tmpdir(), 'tokens-'))
  const certificates = makeCertificates(directory)
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }] }
  const issued: string[] = []
  const sign = (claims: object) => {
    const signed = [{ alg: 'RS256', kid: 'one' }, claims].map(base64url).join('.')
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey).toString('base64url')}`
  }
  const issue = (audience: string) => {
    const now = Math.floor(Date.now() / 1000)
    const { lifetimeS } = settings
    const token = sign({
      iss: issuer,
      aud: audience,
      sub: subject,
      iat: now,
      exp: now + lifetimeS,
      jti: `${issued.length}`,
    })
    issued.push(token)
    return { access_token: token, token_type: 'Bearer', expires_in: lifetimeS }
  }
  const server = await scriptedServer((call, response) => {
    if (call.url.pathname === '/jwks') return answer(response, 200, jwks)
    if (settings.isDown) return void response.destroy()
    if (!isClient(call)) return answer(response, 401, { error: 'invalid_client', error_description: call.body })
    return answer(response, 200, issue(new URLSearchParams(call.body).get('audience') ?? ''))
  }, serverOptions(certificates))
  const issuer = server.url
  return {
    tokenEndpoint: `${server.url}/token`,
    jwksEndpoint: `${server.url}/jwks`,
    issuer,
    issued,
    settings,
    authority: certificates.authority,
    close: async () => {
      await server[Symbol.asyncDispose]()
      rmSync(directory, { recursive: true })
    },
  }
}

const serverOptions = ({ serverKey, serverCertificate }: Certificates) => ({
  key: readFileSync(serverKey),
  cert: readFileSync(serverCertificate),
})

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function isClient({ method, headers, body }: ScriptedCall): boolean {
  const [id, secret] = Buffer.from(headers.authorization?.slice('Basic '.length) ?? '', 'base64')
    .toString()
    .split(':')
    .map((part) => new URLSearchParams(`part=${part}`).get('part'))
  const isGrant = new URLSearchParams(body).get('grant_type') === 'client_credentials'
  return method === 'POST' && isGrant && id === tokenClient.id && secret === tokenClient.secret
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Properties and Java options of a broker whose SASL_SSL listener validates the tokens of the server. */
export function tokenListener(server: TokenServer, audience: string) {
  const handlers = 'org.apache.kafka.common.security.oauthbearer'
  // The module also logs in the broker itself, which needs any token.
  const options = `unsecuredLoginStringClaim_sub="broker" ssl.truststore.type="PEM" ssl.truststore.location="${server.authority}"`
  const listener = 'listener.name.sasl_ssl'
  return {
    properties: {
      [`${listener}.sasl.enabled.mechanisms`]: 'OAUTHBEARER',
      [`${listener}.oauthbearer.sasl.server.callback.handler.class`]: `${handlers}.OAuthBearerValidatorCallbackHandler`,
      [`${listener}.oauthbearer.sasl.jaas.config`]: `${handlers}.OAuthBearerLoginModule required ${options};`,
      [`${listener}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url`]: server.jwksEndpoint,
      [`${listener}.oauthbearer.sasl.oauthbearer.expected.audience`]: audience,
      [`${listener}.oauthbearer.sasl.oauthbearer.expected.issuer`]: server.issuer,
      [`${listener}.oauthbearer.sasl.oauthbearer.clock.skew.seconds`]: '0',
      'super.users': `User:ANONYMOUS;User:${subject}`,
    },
    javaOptions: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${server.jwksEndpoint}`],
  }
}
