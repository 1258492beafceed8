import { readFileSync } from 'node:fs'
import type { parseArgs } from 'node:util'
import type { JsonDates, JsonStyle, XmlStyle } from './answer/answer-form.ts'
import type { ModificationField } from './clients/made-up-client.ts'
import type { ClockFault } from './clock-fault.ts'
import { serverOrders } from './listed.ts'
import type { SimulatorOptions } from './options.ts'
import type { ScanOptions } from './scans.ts'
import { type AccessOptions, DEFAULT_ACCESS } from './session.ts'

export const HELP = `Simulates a Polaris back office with invented clients: Client.GetClientsModified, ACL.Login and ?doc.

npm run polaris-simulator -- [options]

Options with a value show their default value, or a name in capitals if they have none.

  --port 3443                   port to listen on; 0: any free port
  --host 127.0.0.1              address to listen on
  --base-path /core/api/        path of the API
  --key FILE --cert FILE        serve HTTPS with this key and certificate (PEM)
  --clients 5000                number of clients at the start
  --first-id 100001             id of the first client, up to 64 bits
  --seed 1                      equal seeds give equal clients
  --changes-per-second 2        rate of changes; 0: clients do not change
  --mass-update-at SECONDS      change many clients at the same instant, this long after the start
  --mass-clients 300000         number of clients that the mass update changes
  --delete-at SECONDS           delete clients, this long after the start
  --delete-clients 5            number of clients to delete, the first ones
  --date-header right           Date header: right, absent, stopped, a number of seconds ahead, or a time zone whose
                                local time it gives as GMT
  --stamps right                clock of modification times: right, stopped, or seconds ahead (=-3600: behind)
  --wrong-from 0                when the faults of --date-header and --stamps begin, in seconds after the start
  --wrong-until Infinity        when they end
  --late-every N                make every N-th change visible late (its modification time stays that of the change)
  --late-ms 3600000             how late, in milliseconds
  --history FILE                save every change, and continue with the same clients after a restart
  --bench                       prepare all pages once; clients never change (for benchmarks)
  --no-modification-time        omit the modification time of clients
  --modification-field time     how it is written: time (with the time of day), iso-day, or french-day (31/07/2026)
  --time-zone Europe/Paris      time zone of the server
  --xml xml-serializer          XML style: xml-serializer, data-contract or attributes
  --json bare                   JSON style: bare, d or type-name
  --json-dates iso              dates in JSON: iso or microsoft
  --max-limit N                 reduce a larger limit to N
  --gzip                        compress responses if the caller accepts gzip
  --auth none                   authentication: none, basic, cookie or token (the last two require ACL.Login)
  --user, --password            default: ${DEFAULT_ACCESS.user}, ${DEFAULT_ACCESS.password}
  --session-calls N             expire a session after N calls
  --token-pages N               refuse a checkPoint after N pages of its scan
  --view live                   clients in later pages of a scan: live (as now) or frozen (as at its first page)
  --open-scans 100              with frozen views: refuse the tokens of all but the last N scans in use
  --paging client               what a token names: client, or second (more clients than limit in one second: the same
                                token again); never ending: circle (the same clients again), empty (no clients)
  --order oldest-first          order of clients: oldest-first (a client that changes moves to the end); or fixed at the
                                first page of a scan, with present values: listed (oldest first), newest-first, random
  --outdated continue           a token when another scan has begun since: continue, refuse, or other-clients
  --hang-above N                never end the response of a page with more than N clients
  --large-above N               pad the response of a page with more than N clients to 40 MB
  --latency MS                  delay every response
  --trouble 0                   share of calls that fail, in many different ways (for example 0.02)
  --restart-every SECONDS       restart again and again, after this time: calls fail as those of a restarting server do
  --restart-for 30              how long a restart takes, in seconds
  --help                        show this help
`

export const OPTIONS = {
  port: { type: 'string', default: '3443' },
  host: { type: 'string', default: '127.0.0.1' },
  'base-path': { type: 'string', default: '/core/api/' },
  key: { type: 'string' },
  cert: { type: 'string' },
  clients: { type: 'string', default: '5000' },
  'first-id': { type: 'string', default: '100001' },
  seed: { type: 'string', default: '1' },
  'changes-per-second': { type: 'string', default: '2' },
  'mass-update-at': { type: 'string', default: 'Infinity' },
  'mass-clients': { type: 'string', default: '300000' },
  'delete-at': { type: 'string', default: 'Infinity' },
  'delete-clients': { type: 'string', default: '5' },
  'date-header': { type: 'string', default: 'right' },
  stamps: { type: 'string', default: 'right' },
  'wrong-from': { type: 'string', default: '0' },
  'wrong-until': { type: 'string', default: 'Infinity' },
  'late-every': { type: 'string', default: 'Infinity' },
  'late-ms': { type: 'string', default: '3600000' },
  history: { type: 'string' },
  bench: { type: 'boolean', default: false },
  'no-modification-time': { type: 'boolean', default: false },
  'modification-field': { type: 'string', default: 'time' },
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
  view: { type: 'string', default: 'live' },
  'open-scans': { type: 'string', default: '100' },
  paging: { type: 'string', default: 'client' },
  order: { type: 'string', default: 'oldest-first' },
  outdated: { type: 'string', default: 'continue' },
  'hang-above': { type: 'string', default: 'Infinity' },
  'large-above': { type: 'string', default: 'Infinity' },
  latency: { type: 'string', default: '0' },
  trouble: { type: 'string', default: '0' },
  'restart-every': { type: 'string', default: 'Infinity' },
  'restart-for': { type: 'string', default: '30' },
  help: { type: 'boolean', default: false },
} as const

export type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

export function number(values: Values, name: keyof Values): number {
  const read = Number(values[name])
  if (Number.isNaN(read)) throw new Error(`--${name} must be a number`)
  return read
}

function choice<Choice extends string>(values: Values, name: keyof Values, choices: readonly Choice[]): Choice {
  const chosen = choices.find((candidate) => candidate === values[name])
  if (chosen === undefined) throw new Error(`--${name} must be one of: ${choices.join(', ')}`)
  return chosen
}

function clockFault(values: Values, name: 'date-header' | 'stamps'): ClockFault {
  const text = values[name]
  if (text === 'right') return {}
  const now = Date.now()
  const period = { from: now + number(values, 'wrong-from') * 1000, until: now + number(values, 'wrong-until') * 1000 }
  if (text === 'stopped') return { stoppedAt: period.from, ...period }
  const seconds = Number(text)
  return Number.isNaN(seconds) ? { zone: text, ...period } : { skewMs: seconds * 1000, ...period }
}

export function optionsOf(values: Values): SimulatorOptions {
  const { key, cert, history } = values
  if ((key === undefined) !== (cert === undefined)) throw new Error('--key and --cert must be given together')
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
    modificationField: choice<ModificationField>(values, 'modification-field', ['time', 'iso-day', 'french-day']),
    jsonStyle: choice<JsonStyle>(values, 'json', ['bare', 'd', 'type-name']),
    jsonDates: choice<JsonDates>(values, 'json-dates', ['iso', 'microsoft']),
    tokens: { expireAfterPages: number(values, 'token-pages') },
    dateHeader: values['date-header'] === 'absent' ? 'absent' : clockFault(values, 'date-header'),
    stamps: clockFault(values, 'stamps'),
    late: { every: number(values, 'late-every'), delayMs: number(values, 'late-ms') },
    scans: {
      view: choice<ScanOptions['view']>(values, 'view', ['live', 'frozen']),
      openScans: number(values, 'open-scans'),
      paging: choice<ScanOptions['paging']>(values, 'paging', ['client', 'second', 'circle', 'empty']),
      order: choice<ScanOptions['order']>(values, 'order', serverOrders),
      outdated: choice<ScanOptions['outdated']>(values, 'outdated', ['continue', 'refuse', 'other-clients']),
    },
    access: {
      mode: choice<AccessOptions['mode']>(values, 'auth', ['none', 'basic', 'cookie', 'token']),
      ...{ user: values.user, password: values.password, expiresAfterCalls: number(values, 'session-calls') },
    },
  }
}
