import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import type { ClientSource } from '../../../connector/source/client-source.ts'
import { answerSaver, savedSource } from '../../../connector/source/polaris/http/saved-answers.ts'
import type { AuthConfig } from '../../../connector/source/polaris/polaris-config.ts'
import { firstPage, polarisAt, type SourceSettings, sourceAt } from '../../support/one-read.ts'
import { type Script, scriptedServer } from '../../support/servers/scripted-http.ts'
import { never } from '../../support/signals.ts'

// A scan is saved, and then read from the files while the server is gone.

function newFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'answers-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'saved')
}

const filesIn = (folder: string) => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))

/** The ids on the first pages, or the error. */
async function idsIn(source: ClientSource, pages = 2): Promise<string> {
  const ids: unknown[] = []
  try {
    let at = firstPage
    for (let read = 0; read < pages; read += 1) {
      const page = await source.read(at, never)
      ids.push(...page.clients.map(({ No }) => No))
      if (!page.hasMoreResults) return `${ids} and no more`
      at = { ...at, checkPoint: page.checkPoint }
    }
    return `${ids}`
  } catch (error) {
    return [...ids, error instanceof Error ? error.message : error].join(' ')
  }
}

/** Reads what the script answers, saved; and then the files, without the server. */
async function savedAndRead(script: Script, settings: Partial<SourceSettings> = {}) {
  const folder = newFolder()
  const server = await scriptedServer(script)
  const config = { ...settings, url: server.url }
  const live = sourceAt(config, answerSaver(folder, polarisAt(config)))
  const read = await idsIn(live)
  await live.close()
  await server[Symbol.asyncDispose]()
  const again = savedSource(folder, (intercept) => sourceAt(config, intercept))
  return { folder, read, files: filesIn(folder), again: await idsIn(again), origin: server.url }
}

const page = (id: string, token?: string) =>
  `<p><hasMoreResults>${token !== undefined}</hasMoreResults><checkPoint>${token ?? ''}</checkPoint><l><InfoClient><No>${id}</No><Nom>Zoé</Nom></InfoClient></l></p>`
const login = (token?: AuthConfig & { kind: 'login' }): AuthConfig => ({
  kind: 'login',
  account: { user: 'shop', password: 'pass word-47' },
  ...token,
})

test('saves each answer as a person can read it, for its owner only, and reads it in place of the server', async () => {
  const { folder, files, ...found } = await savedAndRead(({ url }, response) => {
    const body = url.searchParams.get('checkPoint') === 'a/+b' ? page('2') : page('1', 'a/+b')
    response.setHeader('content-encoding', 'gzip').setHeader('content-type', 'text/xml').end(gzipSync(body))
  })
  expect(found).toMatchObject({ read: '1,2 and no more', again: '1,2 and no more' })
  expect(files).toHaveLength(2)
  const [head = '', body] = (files[1] ?? '').split('\n\n')
  expect(head).toMatch(/^GET \/core\/api\/Client\.GetClientsModified\?lastChanged=\S+&checkPoint=a%2F%2Bb&limit=10&/)
  expect(head).toMatch(/\nHTTP\/1\.1 200\n(?:.*\n)*content-type: text\/xml\n/)
  expect(body).toBe(page('2'))
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
})

test('ends a scan where the answers end', async () => {
  const { folder, read } = await savedAndRead((_, response) => void response.end(page('1', 'next')))
  expect(read).toBe('1,1')
  rmSync(join(folder, '002.http'))
  const again = savedSource(folder, (intercept) => sourceAt({ url: 'http://127.0.0.1:9' }, intercept))
  expect(await idsIn(again)).toBe('1 and no more')
})

const secretText = 'k3y-of-the-gateway'
const session = 'lit3py55t21z5v55vlm25s55'

test.each<[string, Script, Partial<SourceSettings>, kept: readonly string[]]>([
  [
    'a refused login that quotes the password',
    ({ body }, response) =>
      void response.writeHead(401, { 'set-cookie': `id=${session}` }).end(`refused: ${body} pass word-47`),
    { auth: login() },
    ['POST /core/api/ACL.Login', 'HTTP/1.1 401', 'set-cookie: ***', 'refused:'],
  ],
  [
    'a challenge',
    (_, response) => void response.writeHead(401, { 'www-authenticate': `Negotiate ${session}` }).end(),
    { auth: { kind: 'basic', account: { user: 'shop', password: 'pass word-47' } } },
    ['www-authenticate: Negotiate ***'],
  ],
  [
    'a header for a gateway that is echoed',
    ({ headers }, response) => void response.writeHead(403, { 'x-trace': session }).end(`no ${headers['x-api-key']}`),
    { headers: { 'X-Api-Key': secretText } },
    ['no ***', 'x-trace: ***'],
  ],
  [
    'a redirect to a session',
    ({ url }, response) =>
      url.pathname.includes(session)
        ? void response.end(page('1'))
        : void response.writeHead(302, { location: `/(S(${session}))${url.pathname}${url.search}` }).end(),
    {},
    ['location: /***/core/api/Client.GetClientsModified?', 'GET /***/core/api/Client.GetClientsModified?'],
  ],
  [
    'a redirect to the login of another server',
    (_, response) => void response.writeHead(302, { location: `https://sso.example/login?id=${session}` }).end(),
    {},
    ['location: https://sso.example/login?id=***'],
  ],
  [
    'a token in a login and in the query',
    ({ method, url }, response) =>
      void response.end(
        method === 'POST' ? `<token>${session}</token>` : url.searchParams.get('key') === session ? page('1') : '',
      ),
    {
      auth: {
        ...login(),
        token: { from: { kind: 'field', path: 'token' }, sendAs: { kind: 'query', name: 'key' } },
      } as AuthConfig,
    },
    ['<token>000000000000000000000000</token>', '&key=***'],
  ],
  [
    'a token in a header, found by a pattern',
    ({ method, headers }, response) =>
      void response.end(method === 'POST' ? `{"t":"${session}"}` : headers['x-token'] === session ? page('1') : ''),
    {
      auth: {
        ...login(),
        token: { from: { kind: 'pattern', pattern: '[a-z0-9]{24}' }, sendAs: { kind: 'header', name: 'X-Token' } },
      } as AuthConfig,
    },
    ['{"t":"000000000000000000000000"}'],
  ],
  [
    'a token behind its name, found by a pattern',
    ({ method, url }, response) =>
      void response.end(
        method === 'POST' ? `token=${session}` : url.searchParams.get('key') === session ? page('1') : '',
      ),
    {
      auth: {
        ...login(),
        token: { from: { kind: 'pattern', pattern: 'token=([0-9a-z]+)' }, sendAs: { kind: 'query', name: 'key' } },
      } as AuthConfig,
    },
    ['token=000000000000000000000000'],
  ],
  [
    'a login page',
    (_, response) =>
      void response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<html><body><input type="password"><input type="hidden" value="${session}"></body></html>`),
    {},
    ['<input type="password">', 'content-type: text/html'],
  ],
  [
    'a page that is not well-formed',
    (_, response) => void response.end(page('1').slice(0, -7)),
    {},
    ['<Nom>Zoé</Nom>'],
  ],
])('invariant 8: saves %s without secrets, and finds the same in the files', async (_, script, settings, kept) => {
  const { read, again, files } = await savedAndRead(script, settings)
  const text = files.join('\n')
  for (const secret of ['pass word-47', 'pass%20word-47', secretText, session]) expect(text).not.toContain(secret)
  expect(text).not.toContain(Buffer.from('shop:pass word-47').toString('base64'))
  for (const one of kept) expect(text).toContain(one)
  const comparable = (result: string) => result.replace(/\d+ bytes from \S+/, '')
  expect(comparable(again)).toBe(comparable(read))
})

const unitOf = (character: string) => character.charCodeAt(0).toString(16).padStart(4, '0')

/** A secret as a body, a header or an address may write it. */
const encodings: Readonly<Record<string, (secret: string) => string | Buffer>> = {
  plain: (secret) => secret,
  'Latin 1': (secret) => Buffer.from(secret, 'latin1'),
  'UTF-16': (secret) => Buffer.from(secret, 'utf16le').subarray(0, -1),
  XML: (secret) =>
    secret.replace(/[&<>"']/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one] ?? '&apos;'),
  'decimal references': (secret) => secret.replace(/./gu, (one) => `&#${one.codePointAt(0)};`),
  'hexadecimal references': (secret) => secret.replace(/\W/gu, (one) => `&#x00${one.codePointAt(0)?.toString(16)};`),
  JSON: (secret) => JSON.stringify(secret).slice(1, -1),
  'JSON with escaped slashes': (secret) => JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/'),
  'JSON in ASCII': (secret) => secret.replace(/[^a-z]/g, (one) => `\\u${unitOf(one)}`),
  'JSON in upper case': (secret) => secret.replace(/\W/g, (one) => `\\u${unitOf(one).toUpperCase()}`),
  'an address': encodeURIComponent,
  'an address, all escaped': (secret) => Buffer.from(secret).toString('hex').replace(/../g, '%$&').toLowerCase(),
  'a form': (secret) => encodeURIComponent(secret).replaceAll('%20', '+'),
}

/** Text before and after a secret that is a whole value. */
const places: Readonly<Record<string, readonly [before: string, after: string]>> = {
  'an element': ['<p><Secret>', '</Secret></p>'],
  'a CDATA section': ['<p><Secret><![CDATA[', ']]></Secret></p>'],
  'an attribute': ['<p secret="', '"/>'],
  'a JSON string': ['{"secret": "', '"}'],
  'a query argument': ['see /login?secret=', '&limit=10'],
  'the whole body': ['', ''],
}

const call = {
  method: 'GET',
  url: new URL('http://polaris.example/core/api/Client.GetClientsModified?limit=10'),
} as const

/** Saves a body after an answer with a cookie. Returns its file. */
async function savedBody(
  body: Buffer,
  header: string,
  request: Partial<Parameters<ReturnType<typeof answerSaver>>[0]> = {},
) {
  const folder = newFolder()
  const account = { user: secrets.user, password: secrets.password }
  const token = { from: { kind: 'text' }, sendAs: { kind: 'query', name: 'key' } } as const
  const headers = { 'X-Key': secrets.header, 'X-Short': secrets['short header'] }
  const save = answerSaver(folder, polarisAt({ url: 'http://p', auth: { kind: 'login', account, token }, headers }))
  const answer = (more: IncomingHttpHeaders, of: Buffer) => ({
    url: call.url,
    status: 200,
    headers: more,
    body: of,
    serverTime: 0,
  })
  const cookies = [`id=${secrets.cookie}; path=/`, `other=${secrets['short cookie']}`]
  await save(call, async () => answer({ 'set-cookie': cookies }, Buffer.from('<p/>')))
  await save({ ...call, ...request }, async () => answer({ server: header }, body))
  return readFileSync(join(folder, '002.http'))
}

const secrets = {
  password: `p&"s/é'<1> €😀`,
  user: 'o/é',
  header: 'k<3y "of" a/gate&way',
  'short header': 'k/7',
  cookie: 'c0ok/ie&id',
  'short cookie': 'c/0',
  'token in a header': 'Zx/&y"w<q',
  'short token in a header': 'Z/&y',
  'token in the query': 'Q/é&"<token',
}
const sentWith: Readonly<Record<string, Partial<Parameters<ReturnType<typeof answerSaver>>[0]>>> = {
  'token in a header': { headers: { Authorization: `Bearer ${secrets['token in a header']}` } },
  'short token in a header': { headers: { Authorization: `Bearer ${secrets['short token in a header']}` } },
  'token in the query': { url: new URL(`?key=${encodeURIComponent(secrets['token in the query'])}`, call.url) },
}

test.each(Object.entries(secrets))('invariant 8: saves the %s in no encoding and in no place', async (name, secret) => {
  for (const [encoding, encode] of Object.entries(encodings))
    for (const [place, [before, after]] of Object.entries(places)) {
      if (encoding === 'Latin 1' && /[^\0-\xff]/.test(secret)) continue
      if (encoding === 'UTF-16' && (/[^\0-\xff]/.test(secret) || secret.length < 6)) continue
      const encoded = Buffer.from(encode(secret) as string)
      const body = Buffer.concat([Buffer.from(before), encoded, Buffer.from(after)])
      const file = await savedBody(body, encoded.toString('latin1').replaceAll('\0', ''), sentWith[name])
      const [head = '', saved] = file.toString('latin1').split('\n\n')
      expect(saved, `${encoding} in ${place}`).toBe(`${before}***${after}`)
      expect(head, encoding).not.toContain(encoded.toString('latin1'))
      if (secret.length < 6) continue
      const within = await savedBody(
        Buffer.concat([Buffer.from('<p>x'), encoded, Buffer.from('x</p>')]),
        '',
        sentWith[name],
      )
      expect(within.toString('latin1').split('\n\n')[1], encoding).toBe('<p>x***x</p>')
    }
})

test('keeps what only resembles a short secret', async () => {
  const text = '<p at="2026-06-15T10:07"><No>o/é1</No><Nom>k/7 k/7</Nom><a>/k/7</a><b>ok/7</b><c>K/7</c></p>'
  expect((await savedBody(Buffer.from(text), 'x')).toString().split('\n\n')[1]).toBe(text)
})

test.each([
  ['<a><token>x7</token><t>true</t></a>', '<a><token>00</token><t>true</t></a>'],
  ['<?xml version="1.0" encoding="utf-8"?><a t="KeY"/>', '<?xml version="1.0" encoding="utf-8"?><a t="000"/>'],
  ['{"token" : "ab\\/\\u0041=="}', '{"token" : "0000=="}'],
  ['"abc"', '"000"'],
  ['<s>a&amp;b&#x2f;c</s>', '<s>00000</s>'],
  ['Token', '00000'],
  ['<s>a$b!7</s>', '<s>0$0!0</s>'],
  ['{"token":"Ab(1)~|@"}', '{"token":"00(0)~|@"}'],
  ['a1=b2', '00=00'],
  ['<s>a b&lt;c</s>', '<s>a b&lt;c</s>'],
  ['token=3f9a8b', 'token=000000'],
  ['token=3f9a8b7c6d5e4f3a', 'token=0000000000000000'],
  ['sid=k7&lang=fr\nother=x1==', 'sid=00&lang=00\nother=00=='],
  ['false', 'false'],
  ['{"message":"Bonjour, Zoé"}', '{"message":"Bonjour, Zoé"}'],
])('hides a token of any length in the answer to a login: %s', async (body, saved) => {
  const url = new URL('http://polaris.example/core/api/ACL.Login')
  const file = await savedBody(Buffer.from(body), 'x', { method: 'POST', url })
  expect(file.toString().split('\n\n')[1]).toBe(saved)
})

test('refuses a folder that exists, one without answers, and a call that was not saved', async () => {
  const folder = newFolder()
  const config = polarisAt({ url: 'http://127.0.0.1:9' })
  const open = (intercept: Parameters<Parameters<typeof savedSource>[1]>[0]) => sourceAt(config, intercept)
  expect(() => savedSource(folder, open)).toThrow(`cannot read saved answers in ${folder}`)
  answerSaver(folder, config)
  expect(() => answerSaver(folder, config)).toThrow(`cannot create the new folder ${folder}`)
  writeFileSync(join(folder, '001.http'), 'POST /core/api/ACL.Login\r\nHTTP/1.1 200 OK\r\n\r\ntrue')
  expect(await idsIn(savedSource(folder, open))).toBe(
    `cannot find an answer to /core/api/Client.GetClientsModified in ${folder}`,
  )
})
