import { parseArgs } from 'node:util'
import { numbers } from './clients/made-up-client.ts'
import { faults, startPolarisSimulator } from './polaris-simulator.ts'
import { type AccessOptions, DEFAULT_ACCESS } from './session.ts'

const HELP = `Simulates a Polaris back office with invented clients: Client.GetClientsModified and ACL.Login.

npm run polaris-simulator -- [options]

Options with a value show their default value, or a name in capitals if they have none.

  --port 3443                   port to listen on; 0: any free port
  --host 127.0.0.1              address to listen on
  --clients 5000                number of clients at the start
  --changes-per-second 2        rate of changes; 0: clients do not change
  --history FILE                save every change, and continue with the same clients after a restart
  --bench                       prepare all pages once; clients never change (for benchmarks)
  --auth none                   authentication: none, basic, cookie or token (the last two require ACL.Login)
  --user, --password            default: ${DEFAULT_ACCESS.user}, ${DEFAULT_ACCESS.password}
  --latency MS                  delay every response
  --trouble 0                   share of calls that fail, in many different ways (for example 0.02)
  --help                        show this help
`

const OPTIONS = {
  port: { type: 'string', default: '3443' },
  host: { type: 'string', default: '127.0.0.1' },
  clients: { type: 'string', default: '5000' },
  'changes-per-second': { type: 'string', default: '2' },
  history: { type: 'string' },
  bench: { type: 'boolean', default: false },
  auth: { type: 'string', default: 'none' },
  user: { type: 'string', default: DEFAULT_ACCESS.user },
  password: { type: 'string', default: DEFAULT_ACCESS.password },
  latency: { type: 'string', default: '0' },
  trouble: { type: 'string', default: '0' },
  help: { type: 'boolean', default: false },
} as const

const MODES: readonly AccessOptions['mode'][] = ['none', 'basic', 'cookie', 'token']

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
  faults.serverPage('IIS 403'),
  faults.redirect('http://maintenance.example.net/'),
  faults.missingFlag(),
  faults.emptyPage(),
  faults.latency(3000),
]

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) return void process.stdout.write(HELP)
  const number = (name: 'port' | 'clients' | 'changes-per-second' | 'latency' | 'trouble') => {
    const read = Number(values[name])
    if (Number.isNaN(read)) throw new Error(`--${name} must be a number`)
    return read
  }
  const mode = MODES.find((one) => one === values.auth)
  if (mode === undefined) throw new Error(`--auth must be one of: ${MODES.join(', ')}`)
  const simulator = await startPolarisSimulator({
    ...{ port: number('port'), host: values.host, clients: number('clients'), mode: values.bench ? 'bench' : 'live' },
    ...(values.history === undefined ? {} : { history: values.history }),
    access: { mode, user: values.user, password: values.password },
  })
  const [trouble, latency, rate] = [number('trouble'), number('latency'), number('changes-per-second')]
  const random = numbers(1, -9, 1)
  const anyTrouble = () => TROUBLES[Math.floor(random() * TROUBLES.length)] ?? faults.status(500)
  if (trouble > 0) simulator.faults.when(() => random() < trouble, anyTrouble)
  if (latency > 0) simulator.faults.when(() => true, faults.latency(latency))
  if (rate > 0 && !values.bench) simulator.changeEvery(1000 / rate)
  const changing = values.bench ? 0 : rate
  console.log(`Polaris simulator: ${simulator.url} (${values.clients} clients, ${changing} changes/s, auth ${mode})`)
  const shutDown = () => void simulator.close()
  process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
}

main().catch((error: unknown) => {
  console.error(`polaris-simulator: ${error instanceof Error ? error.message : error} (--help lists the options)`)
  process.exitCode = 2
})
