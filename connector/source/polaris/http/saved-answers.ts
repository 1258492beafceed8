import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { ClientSource } from '../../client-source.ts'
import { isHtml } from '../answer/server-message.ts'
import type { PolarisConfig } from '../polaris-config.ts'
import { withoutSecrets, withoutTokens } from './hidden-secrets.ts'
import { type ExchangedAnswer, type Intercept, serverTimeIn } from './http-caller.ts'
import type { ApiRequest } from './read-request.ts'

/*
 * The answers of a server are files `001.http`, `002.http` and so on, in the order in which they came. A person can
 * read each: the request, the status, the headers, an empty line, and the body, decompressed. Latin 1 keeps all bytes.
 */

/**
 * Saves each answer in a new folder, for its owner only: bodies hold personal data. Invariant 8: no file holds a secret
 * that the connector sends, nor the user as a value. Throws `command.invalid` if the folder cannot be created.
 */
export function answerSaver(folder: string, { auth, headers: configured }: PolarisConfig): Intercept {
  useFolder(`create the new folder ${folder}`, () => mkdirSync(folder, { mode: 0o700 }))
  /** Also former ones: a session may be echoed after its end. */
  const secrets = new Set<string>()
  let count = 0
  return async (request, exchange) => {
    const answer = await exchange()
    count += 1
    const { user, password } = auth.kind === 'none' ? { user: '', password: '' } : auth.account
    for (const secret of [password, ...sentSecrets(request, configured), ...cookiesIn(answer)]) secrets.add(secret)
    const file = join(folder, `${String(count).padStart(3, '0')}.http`)
    const text = answerText(request, answer, (part) => withoutSecrets(part, secrets, user))
    writeFileSync(file, text, { encoding: 'latin1', mode: 0o600 })
    return answer
  }
}

/** Returns the values of the headers, also without a first word such as `Bearer`, and of the arguments of a session. */
function sentSecrets({ headers, url }: ApiRequest, configured: PolarisConfig['headers']): string[] {
  const added = Array.from(url.searchParams).flatMap(([name, value]) => (ownArguments.includes(name) ? [] : value))
  const values = Object.values({ ...configured, ...headers })
  return [...values.flatMap((value) => [value, value.slice(value.indexOf(' ') + 1)]), ...added]
}

const cookiesIn = ({ headers }: ExchangedAnswer) =>
  (headers['set-cookie'] ?? []).map((cookie) => /=\s*([^;]*?)\s*(?:;|$)/.exec(cookie)?.[1] ?? '')

const READ = 'Client.GetClientsModified'

function answerText(
  { method, url }: ApiRequest,
  { status, headers, body }: ExchangedAnswer,
  hide: (text: string) => string,
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const head = [`${method} ${url.pathname}${url.search}`, `HTTP/1.1 ${status}`, ...lines].join('\n')
  const text = hide(body.toString('latin1'))
  const isPage = url.pathname.endsWith(READ) && !isHtml(text)
  // A successful answer to a login may be any word; what else is no page says why.
  const kept = status < 300 && !isHtml(text) ? /^(?:true|false)$/i : /^\D*$/
  return `${hide(maskedHead(head))}\n\n${isPage ? text : withoutTokens(text, kept)}`
}

/** Hides all headers but those that say nothing of a session. Of a challenge, the scheme stays. */
const hiddenHeader =
  /^(?!(?:content-(?:type|length|encoding)|date|location|retry-after|server|x-powered-by):)(\S+authenticate: \w+|\S+:).*$/gm
const urlLine = /^(?:GET|POST|location:) .*$/gm
/** A session can be in the path: `/(S(…))/`. */
const hiddenSegment = /(?<![:/])\/(?![A-Za-z._-]{1,40}(?:[/?]|$))[^/?]+/g
const ownArguments = ['lastChanged', 'codeMagasin', 'checkPoint', 'limit', 'output', 'prefixCle']
const hiddenArgument = new RegExp(`([?&](?!(?:${ownArguments.join('|')})=)[^=&]*=)[^&]*`, 'g')

const maskedHead = (head: string) =>
  head
    .replace(hiddenHeader, '$1 ***')
    .replace(urlLine, (line) => line.replace(hiddenSegment, '/***').replace(hiddenArgument, '$1***'))

/**
 * Returns the source that `open` opens, with the answers in a folder in place of a server. A call gets those to the
 * same function with the same token, one after the other, and the last one again and again. Its other arguments do not
 * matter, so that other settings can be tried. A scan ends where the answers do. Throws `command.invalid` if they
 * cannot be read.
 */
export function savedSource(folder: string, open: (intercept: Intercept) => ClientSource): ClientSource {
  const answers = useFolder(`read saved answers in ${folder}`, () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.http'))
    const texts = files.sort().map((file) => readFileSync(join(folder, file), 'latin1'))
    return Map.groupBy(texts.map(parsedAnswer), ({ url }) => callOf(url))
  })
  const source = open(async ({ url }) => {
    const [answer, ...later] = answers.get(callOf(url)) ?? []
    if (answer === undefined) throw commandError(`find an answer to ${url.pathname} in ${folder}`)
    if (later.length > 0) answers.set(callOf(url), later)
    return { ...answer, url }
  })
  return {
    read: async (at, stop) => {
      const page = await source.read(at, stop)
      return { ...page, hasMoreResults: page.hasMoreResults && answers.has(`${READ} ${page.checkPoint}`) }
    },
  }
}

const callOf = ({ pathname, searchParams }: URL) =>
  [...pathname.split('/').slice(-1), ...searchParams.getAll('checkPoint')].join(' ')

const savedForm = /^\S+ (\S+)\r?\n\S+ (\d+).*\r?\n((?:\S.*\r?\n)*)\r?\n([\s\S]*)$/

function parsedAnswer(text: string): ExchangedAnswer {
  const [, target = '', status, head = '', body = ''] = savedForm.exec(text) ?? []
  const fields = Array.from(head.matchAll(/^(\S+): (.*)$/gm), ([, name = '', value]) => [name, value])
  const headers = Object.fromEntries(fields)
  const url = new URL(target, 'http://saved.invalid')
  return { url, status: Number(status), headers, body: Buffer.from(body, 'latin1'), serverTime: serverTimeIn(headers) }
}

const commandError = (what: string) => new ConnectorError('command.invalid', `cannot ${what}`)

function useFolder<Result>(what: string, work: () => Result): Result {
  try {
    return work()
  } catch {
    throw commandError(what)
  }
}
