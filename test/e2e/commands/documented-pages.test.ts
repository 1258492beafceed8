import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { startPolarisSimulator } from '../../polaris/polaris-simulator.ts'
import { DEFAULT_ACCESS } from '../../polaris/session.ts'
import { markdownFile } from '../../support/documentation/markdown-file.ts'
import { type Certificates, makeCertificates } from '../../support/servers/certificates.ts'

// The blocks of a page run one after another in a clean clone, and their output is compared with the page.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'clean-'))
const clone = join(folder, 'clone')
let certificates: Certificates

beforeAll(() => {
  mkdirSync(clone)
  const copy = `git ls-files --cached --others --exclude-standard -z | tar --create --null --files-from - | tar --extract --directory '${clone}'`
  execFileSync('bash', ['-o', 'pipefail', '-c', copy], { cwd: root })
  certificates = makeCertificates(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const userOfReadme = { user: 'connector', password: 'planted-Krznych' }

/** The real servers, in place of the invented addresses and credentials of the pages. */
async function realServers(page: string) {
  const simulator = await startPolarisSimulator({
    clients: 150,
    tls: {
      key: readFileSync(certificates.serverKey, 'utf8'),
      cert: readFileSync(certificates.serverCertificate, 'utf8'),
    },
    ...(page === 'README.md' && { access: { ...DEFAULT_ACCESS, mode: 'cookie', ...userOfReadme } }),
  })
  onTestFinished(() => simulator.close())
  const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('s3')
  const name = `page-${randomUUID().slice(0, 8)}`
  const password = join(folder, 'password')
  writeFileSync(password, `${userOfReadme.password}\n`)
  const replaced: Record<string, string> = {
    'polaris.example:3443': new URL(simulator.url).host,
    'kafka-1:9092,kafka-2:9092': inject('kafkaBrokers'),
    's3://checkpoints/polaris': `s3://${bucket}/${name}`,
    'https://s3.store.example': endpoint,
    'eu-west-3': region,
    'my-access-key': accessKeyId,
    'my-secret-key': secretAccessKey,
    '/run/secrets/polaris': password,
    'CONNECTOR_ID=shop': `CONNECTOR_ID=${name}`,
  }
  const asInPage = (text: string) => text.replaceAll(name, 'shop')
  const environment = {
    NODE_EXTRA_CA_CERTS: certificates.authority,
    HTTP_PORT: '0',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL_S3: endpoint,
    // The other page shows what doctor says of the default topic, which does not exist yet.
    ...(page === 'README.md' && { KAFKA_TOPIC: name }),
  }
  return { replaced, asInPage, environment }
}

/** `run` and `npm start` end by Ctrl-C, which is sent once the stream has caught up. Packages are installed once. */
const preamble = `
set -euo pipefail
set -m
npm() { if [ "$*" = ci ] && [ -e node_modules ]; then return; else command npm "$@"; fi; }
until_caught_up() {
  : >service.log # a service before it has caught up too
  "$@" >service.log 2>&1 &
  until grep --quiet 'caught up' service.log; do kill -0 $! 2>/dev/null || { cat service.log; exit 1; }; sleep 0.1; done
  kill -INT -- -$!
  wait $! || [ $? = 130 ]
}
`

/** Runs until it is stopped. */
const isService = /^(npm start|polaris-connector run(?! --until-caught-up))\b/gm

/**
 * The shell blocks of a page, in order. A block without a language that follows is its output. A comment leaves a block
 * out, with the reason: `<!-- not run: … -->`.
 */
function shellBlocks(page: string) {
  const { blocks } = markdownFile(page)
  return blocks.flatMap(({ mark, language, text }, index) => {
    if (language !== 'sh' || mark.startsWith('not run: ')) return []
    const next = blocks[index + 1]
    return [{ script: text, shown: next?.language === '' ? next.text : undefined }]
  })
}

function scriptOf(blocks: ReturnType<typeof shellBlocks>): string {
  const parts = blocks.map(
    ({ script }, index) => `echo "== block ${index}"\n${script.replaceAll(isService, 'until_caught_up $&')}`,
  )
  return [preamble, ...parts].join('\n')
}

/** Runs a script in the clean clone; resolves to its standard output, rejects with everything that it printed. */
async function inClone(script: string, environment: Record<string, string>): Promise<string> {
  const prefix = join(folder, 'npm')
  const { PATH = '', HOME = '' } = process.env
  const env = {
    HOME,
    PATH: [join(prefix, 'bin'), PATH].join(delimiter),
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    npm_config_prefix: prefix,
    ...environment,
  }
  const child = spawn('bash', ['-c', script], { cwd: clone, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const written = { stdout: '', all: '' }
  child.stdout.on('data', (bytes: Buffer) => {
    written.stdout += bytes
    written.all += bytes
  })
  child.stderr.on('data', (bytes: Buffer) => {
    written.all += bytes
  })
  onTestFinished(() => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`exit code ${code}:\n${written.all}`)
  return written.stdout
}

/** What differs from run to run: numbers, addresses, ids, and how the clocks of two machines differ. */
const comparable = (text: string) =>
  text
    .replaceAll(/cluster \S+,/g, 'cluster ID,')
    .replaceAll(/\n +detail: /g, ' ') // long with the names of the test only
    .replaceAll(/(requests +ok +https:)\S+/g, '$1')
    .replaceAll(/^( *\w+ +(server clock|time zone|live) ).*$/gm, '$1')
    .replaceAll(/\d+/g, '0')
    .replaceAll(/ +/g, ' ')
    .trim()
    .split('\n')

test.each(['README.md', 'docs/getting-started.md'])(
  'every line of %s works in a clean clone, and prints what it shows',
  async (page) => {
    const blocks = shellBlocks(page)
    const { replaced, asInPage, environment } = await realServers(page)
    const real = (text: string) =>
      Object.entries(replaced).reduce((result, [from, to]) => result.replaceAll(from, to), text)
    const output = asInPage(await inClone(real(scriptOf(blocks)), environment))
    const printed = output.split(/^== block \d+\n/m).slice(1)
    expect(printed).toHaveLength(blocks.length)
    for (const [index, { shown }] of blocks.entries()) {
      if (shown !== undefined) expect(comparable(printed[index] ?? '')).toEqual(comparable(shown))
    }
  },
)
