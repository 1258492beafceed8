import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { faults, startPolarisSimulator } from '../polaris-simulator.ts'
import type { JsonDates, JsonStyle, XmlStyle } from './answer-form.ts'
import { numbers } from './made-up-client.ts'
import type { SimulatorOptions } from './options.ts'
import { type AccessOptions, DEFAULT_ACCESS } from './session.ts'

const HELP = `A Polaris back office to try things on: Client.GetClientsModified, ACL.Login and ?doc, with invented clients.

npm run polaris-simulator -- [options]

  --port 3443                   0 takes a free one
  --host 127.0.0.1
  --base-path /core/api/
  --key FILE --cert FILE        HTTPS with this key and certificate (PEM)
  --clients 5000
  --first-id 100001             a 64-bit number
  --seed 1                      the same seed gives the same clients
  --changes-per-second 2        0 leaves all clients as they are
  --history FILE                keeps every change, so that the next start goes on with the same clients
  --bench                       any number of clients that never change, prepared once (for measuring)
  --no-modification-time        clients do not show when they were modified
  --time-zone Europe/Paris
  --xml xml-serializer          or data-contract, attributes
  --json bare                   or d, type-name
  --json-dates iso              or microsoft
  --max-limit N                 a larger limit is capped
  --gzip                        where it is accepted
  --auth none                   or basic, cookie, token (ACL.Login first)
  --user, --password            ${DEFAULT_ACCESS.user}, ${DEFAULT_ACCESS.password}
  --session-calls N             a session serves so many calls
  --token-pages N               a checkPoint is refused deeper in its drain
  --latency MS                  of every answer
  --trouble 0.02                this share of calls fails in one of many ways
  --help
`

const OPTIONS = {
  port: { type: 'string', default: '3443' },
  host: { type: 'string', default: '127.0.0.1' },
  'base-path': { type: 'string', default: '/core/api/' },
  key: { type: 'string' },
  cert: { type: 'string' },
  clients: { type: 'string', default: '5000' },
  'first-id': { type: 'string', default: '100001' },
  seed: { type: 'string', default: '1' },
  'changes-per-second': { type: 'string', default: '2' },
  history: { type: 'string' },
  bench: { type: 'boolean', default: false },
  'no-modification-time': { type: 'boolean', default: false },
  'time-zone': { type: 'string', default: 'Europe/Paris' },
  xml: { type: 'string', default: 'xml-serializer' },
  json: { type: 'string', default: 'bare' },
  'json-dates': { type: 'string', default: 'iso' },
  'max-limit': { type: 'string', default: 'Infinity' },
  gzip: { type: 'boolean', default: false },
  auth: { type: 'string', default: 'none' },
  user: { type: 'string', default: DEFAULT_ACCESS.user },
  password: { type: 'string', default: DEFAULT_ACCESS.password },
  'session-calls': { type: 'string', default: 'Infinity' },
  'token-pages': { type: 'string', default: 'Infinity' },
  latency: { type: 'string', default: '0' },
  trouble: { type: 'string', default: '0' },
  help: { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

function number(values: Values, name: keyof Values): number {
  const read = Number(values[name])
  if (Number.isNaN(read)) throw new Error(`--${name} wants a number`)
  return read
}

function choice<Choice extends string>(values: Values, name: keyof Values, choices: readonly Choice[]): Choice {
  const chosen = choices.find((one) => one === values[name])
  if (chosen === undefined) throw new Error(`--${name} is one of: ${choices.join(', ')}`)
  return chosen
}

function optionsOf(values: Values): SimulatorOptions {
  const { key, cert, history } = values
  if ((key === undefined) !== (cert === undefined)) throw new Error('--key and --cert go together')
  return {
    ...{ port: number(values, 'port'), host: values.host, basePath: values['base-path'] },
    ...(key === undefined || cert === undefined ? {} : { tls: { key: readFileSync(key), cert: readFileSync(cert) } }),
    ...{ clients: number(values, 'clients'), seed: number(values, 'seed'), firstId: BigInt(values['first-id']) },
    ...(history === undefined ? {} : { history }),
    ...{ mode: values.bench ? 'bench' : 'live', hasModificationTime: !values['no-modification-time'] },
    ...{
      timeZone: values['time-zone'],
      maxLimit: number(values, 'max-limit'),
      gzip: values.gzip ? 'when accepted' : 'never',
    },
    xmlStyle: choice<XmlStyle>(values, 'xml', ['xml-serializer', 'data-contract', 'attributes']),
    jsonStyle: choice<JsonStyle>(values, 'json', ['bare', 'd', 'type-name']),
    jsonDates: choice<JsonDates>(values, 'json-dates', ['iso', 'microsoft']),
    tokens: { expireAfterPages: number(values, 'token-pages') },
    access: {
      mode: choice<AccessOptions['mode']>(values, 'auth', ['none', 'basic', 'cookie', 'token']),
      ...{ user: values.user, password: values.password, expiresAfterCalls: number(values, 'session-calls') },
    },
  }
}

const TROUBLES = [
  faults.status(500),
  faults.status(503, { retryAfter: 1 }),
  faults.status(429, { retryAfter: 1 }),
  faults.reset('before'),
  faults.reset('after'),
  faults.reset('middle'),
  faults.truncate(0.7, 'right'),
  faults.truncate(0.7, 'wrong'),
  faults.html(),
  faults.empty(),
  faults.errorDocument(),
  faults.missingFlag(),
  faults.emptyPage(),
  faults.latency(3000),
]

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) return void process.stdout.write(HELP)
  const simulator = await startPolarisSimulator(optionsOf(values))
  const chance = numbers(number(values, 'seed'), -9, 1)
  const [trouble, latency, rate] = [
    number(values, 'trouble'),
    number(values, 'latency'),
    number(values, 'changes-per-second'),
  ]
  if (trouble > 0) {
    const anyTrouble = () => TROUBLES[Math.floor(chance() * TROUBLES.length)] ?? faults.status(500)
    simulator.faults.when(() => chance() < trouble, anyTrouble)
  }
  if (latency > 0) simulator.faults.when(() => true, faults.latency(latency))
  if (rate > 0 && !values.bench) simulator.changeEvery(1000 / rate)
  console.log(
    `Polaris simulator: ${simulator.url} (${values.clients} clients, ${values.bench ? 0 : rate} changes/s, auth ${values.auth})`,
  )
  let before = { ...simulator.served }
  const report = setInterval(() => {
    const { pages, bytes } = simulator.served
    if (pages > before.pages) {
      const megabytes = ((bytes - before.bytes) / 10e6).toFixed(1)
      console.log(
        `${pages - before.pages} pages in 10 s (${megabytes} MB/s), ${simulator.changes.length} changes until now`,
      )
    }
    before = { pages, bytes }
  }, 10_000)
  const leave = () => {
    clearInterval(report)
    void simulator.close()
  }
  process.once('SIGINT', leave).once('SIGTERM', leave)
}

main().catch((error: unknown) => {
  console.error(`polaris-simulator: ${error instanceof Error ? error.message : error} (--help lists the options)`)
  process.exitCode = 2
})
