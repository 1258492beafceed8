import { parseArgs } from 'node:util'
import { numbers } from './clients/made-up-client.ts'
import { HELP, number, OPTIONS, optionsOf } from './command-options.ts'
import { faults, startPolarisSimulator } from './polaris-simulator.ts'
import { restartFault } from './restarts.ts'

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
  faults.serverPage('http.sys 404'),
  faults.serverPage('IIS 403'),
  faults.serverPage('ASP.NET error page'),
  faults.serverPage('database unreachable, in a document'),
  faults.redirect('http://maintenance.example.net/'),
  faults.missingFlag(),
  faults.emptyPage(),
  faults.latency(3000),
]

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) return void process.stdout.write(HELP)
  const simulator = await startPolarisSimulator(optionsOf(values))
  const random = numbers(number(values, 'seed'), -9, 1)
  const [trouble, latency, rate] = [
    number(values, 'trouble'),
    number(values, 'latency'),
    number(values, 'changes-per-second'),
  ]
  if (trouble > 0) {
    const anyTrouble = () => TROUBLES[Math.floor(random() * TROUBLES.length)] ?? faults.status(500)
    simulator.faults.when(() => random() < trouble, anyTrouble)
  }
  for (const how of ['hang', 'large'] as const) {
    const most = number(values, `${how}-above`)
    if (most < Number.POSITIVE_INFINITY)
      simulator.faults.when(
        () => true,
        () => faults.pagesAbove(most, how),
      )
  }
  const restarts = {
    everyMs: number(values, 'restart-every') * 1000,
    forMs: number(values, 'restart-for') * 1000,
  }
  if (Number.isFinite(restarts.everyMs)) {
    const startedAt = Date.now()
    const fault = () => restartFault(restarts, Date.now() - startedAt)
    simulator.faults.when(
      () => fault() !== undefined,
      () => fault() ?? faults.latency(0),
    )
  }
  if (latency > 0) simulator.faults.when(() => true, faults.latency(latency))
  if (rate > 0 && !values.bench) simulator.changeEvery(1000 / rate)
  const massUpdateAt = number(values, 'mass-update-at')
  const massUpdate = () => void simulator.massUpdate(number(values, 'mass-clients'))
  const massTimer = Number.isFinite(massUpdateAt) ? setTimeout(massUpdate, massUpdateAt * 1000) : undefined
  const deleteAt = number(values, 'delete-at')
  const deletion = () => simulator.remove(simulator.clientIds.slice(0, number(values, 'delete-clients')))
  const deletionTimer = Number.isFinite(deleteAt) ? setTimeout(deletion, deleteAt * 1000) : undefined
  console.log(
    `Polaris simulator: ${simulator.url} (${values.clients} clients, ${values.bench ? 0 : rate} changes/s, auth ${values.auth})`,
  )
  let before = { ...simulator.served }
  const report = setInterval(() => {
    const { pages, bytes } = simulator.served
    if (pages > before.pages) {
      const megabytes = ((bytes - before.bytes) / 10e6).toFixed(1)
      console.log(
        `${pages - before.pages} pages in 10 s (${megabytes} MB/s), ${simulator.changes.length} changes so far`,
      )
    }
    before = { pages, bytes }
  }, 10_000)
  const shutDown = () => {
    clearInterval(report)
    clearTimeout(massTimer)
    clearTimeout(deletionTimer)
    void simulator.close()
  }
  process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
}

main().catch((error: unknown) => {
  console.error(`polaris-simulator: ${error instanceof Error ? error.message : error} (--help lists the options)`)
  process.exitCode = 2
})
