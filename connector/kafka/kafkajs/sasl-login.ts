import { createRequire } from 'node:module'
import type { AuthenticationProviderArgs, Authenticator, Mechanism } from 'kafkajs'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { Account } from '../../runtime/refused-accounts.ts'
import type { PasswordLogin, SaslConfig } from '../kafka-config.ts'
import { hasKafkaCode, KafkaCode } from '../kafka-errors.ts'
import { type LoginParts, tokenLogin } from '../oauth/token-login.ts'
import { tokenSource } from '../oauth/token-source.ts'

type Provider = (sasl: { username: string; password: string }) => (args: AuthenticationProviderArgs) => Authenticator

const load = createRequire(import.meta.url)

/** kafkajs' implementations of the SASL mechanisms. */
const providers: Readonly<Record<PasswordLogin['mechanism'], Provider>> = {
  plain: load('kafkajs/src/broker/saslAuthenticator/plain'),
  'scram-sha-256': load('kafkajs/src/broker/saslAuthenticator/scram256'),
  'scram-sha-512': load('kafkajs/src/broker/saslAuthenticator/scram512'),
}

/**
 * Logs in on each new connection, including those that a client reopens by itself. Uses the account configured at that
 * time, unless the broker has rejected it.
 */
export function saslLogin(sasl: SaslConfig, parts: LoginParts): Mechanism {
  return 'password' in sasl ? passwordLogin(sasl, parts) : tokenLogin(tokenSource(sasl, parts.clock), parts)
}

function passwordLogin(sasl: PasswordLogin, { server, accounts }: LoginParts): Mechanism {
  const never = new AbortController().signal // kafkajs passes no signal, and limits the time of each login request
  return {
    mechanism: sasl.mechanism,
    authenticationProvider: (args) => ({
      authenticate: () =>
        accounts.logIn(
          {
            server,
            account: () => ({ user: sasl.username, password: sasl.password }),
            exchange: (account) => exchange(sasl.mechanism, account, args),
            refusalIn: (error) => (isRejection(error) && error instanceof Error ? error : undefined),
          },
          never,
        ),
    }),
  }
}

const isRejection = (error: unknown) => hasKafkaCode(error, KafkaCode.SASL_AUTHENTICATION_FAILED)

/** Rejects with the broker's rejection, which kafkajs would replace with its own error. */
async function exchange(
  mechanism: PasswordLogin['mechanism'],
  { user, password }: Account,
  args: AuthenticationProviderArgs,
): Promise<void> {
  let rejection: unknown
  const saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate'] = async (request) => {
    try {
      return await args.saslAuthenticate(request)
    } catch (error) {
      if (isRejection(error)) rejection = error
      throw error
    }
  }
  try {
    await providers[mechanism]({ username: user, password })({ ...args, saslAuthenticate }).authenticate()
  } catch (error) {
    throw rejection ?? error
  }
}

/** The part of kafkajs' connection that a login uses. */
interface SaslConnection {
  readonly host: string
  readonly port: number
  readonly sasl: object
  readonly socket?: { destroy(reason: Error): void }
  send(request: object): Promise<unknown>
  sendAuthRequest(request: object): Promise<unknown>
}

/** kafkajs' login on one connection: a handshake that selects the mechanism, then the exchange of credentials. */
export interface SaslAuthenticator {
  connection: SaslConnection
  authenticate(): Promise<void>
}

const { KafkaJSConnectionError }: { KafkaJSConnectionError: new (message: string, of: { broker: string }) => Error } =
  load('kafkajs/src/errors')

/**
 * The original reports every failure of the exchange as rejected credentials, without its cause (tulios/kafkajs#1550).
 * This patch does so only if the broker rejected them. Errors of a token stay as they are. Any other failure becomes a
 * connection error, after which kafkajs reconnects, to another broker if possible.
 */
export function keepSaslFailures(authenticator: SaslAuthenticator): void {
  const original = authenticator.authenticate
  authenticator.authenticate = async function authenticate(this: SaslAuthenticator) {
    const { connection } = this
    const { host, port, sasl } = connection
    let cause: unknown
    const keepCause = (error: unknown) => {
      cause = error
      throw error
    }
    this.connection = {
      host,
      port,
      sasl,
      send: (request) => connection.send(request).catch(keepCause),
      sendAuthRequest: (request) => connection.sendAuthRequest(request).catch(keepCause),
    }
    try {
      await original.call(this)
    } catch (error) {
      if (error instanceof ConnectorError) {
        connection.socket?.destroy(new Error('no login')) // after the handshake, the broker accepts nothing but a login
        throw error
      }
      const rejection = [cause, error].find((one) => hasKafkaCode(one, ...rejections))
      const broker = `${host}:${port}`
      if (rejection instanceof Error) throw Object.assign(rejection, { broker })
      const broken = new KafkaJSConnectionError('login not completed', { broker })
      throw Object.assign(broken, { cause: cause ?? error })
    }
  }
}

const rejections = [
  KafkaCode.SASL_AUTHENTICATION_FAILED,
  KafkaCode.UNSUPPORTED_SASL_MECHANISM,
  KafkaCode.ILLEGAL_SASL_STATE,
]
