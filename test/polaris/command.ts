import { parseArgs } from 'node:util'
import { startPolarisSimulator } from './polaris-simulator.ts'
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
  --auth none                   authentication: none, basic, or cookie (requires ACL.Login)
  --user, --password            default: ${DEFAULT_ACCESS.user}, ${DEFAULT_ACCESS.password}
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
  help: { type: 'boolean', default: false },
} as const

const MODES: readonly AccessOptions['mode'][] = ['none', 'basic', 'cookie']

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) return void process.stdout.write(HELP)
  const number = (name: 'port' | 'clients' | 'changes-per-second') => {
    const read = Number(values[name])
    if (Number.isNaN(read)) throw new Error(`--${name} must be a number`)
    return read
  }
  const mode = MODES.find((one) => one === values.auth)
  if (mode === undefined) throw new Error(`--auth must be one of: ${MODES.join(', ')}`)
  const simulator = await startPolarisSimulator({
    port: number('port'),
    host: values.host,
    clients: number('clients'),
    mode: values.bench ? 'bench' : 'live',
    ...(values.history === undefined ? {} : { history: values.history }),
    access: { mode, user: values.user, password: values.password },
  })
  const rate = number('changes-per-second')
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
