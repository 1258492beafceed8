import { runConnector } from './parts/connector-run.ts'
import { runLimit } from './parts/limit-run.ts'
import { type Case, HELP, type Plan, planOf } from './parts/plan.ts'
import { type Measured, type Round, tableOf } from './parts/report.ts'
import { openRig, type Rig, startSource } from './parts/rig.ts'

async function main(): Promise<void> {
  const plan = planOf(process.argv.slice(2))
  if (plan === undefined) return void process.stdout.write(HELP)
  const rig = await openRig()
  const interrupt = () => void rig.close().finally(() => process.exit(130))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    if (plan.measures === 'memory') return await soak(rig, plan)
    const measured: Measured[] = []
    for (const one of plan.cases) measured.push({ case: one, rounds: await measure(rig, one, plan) })
    console.log(plan.format === 'json' ? JSON.stringify(measured, null, 2) : `\n${tableOf(measured)}`)
  } finally {
    await rig.close()
  }
}

/** Shows that memory does not grow with the number of clients. */
async function soak(rig: Rig, plan: Plan): Promise<void> {
  for (const one of plan.cases) {
    const source = await startSource(one, rig.folder)
    try {
      const { figures, memory } = await runConnector(rig, { ...one, ...plan, url: source.url, id: one.name })
      console.log(
        `${one.clients} clients, ${Math.round(figures.perSecond)} events/s, ${figures.cpuPerMillion.toFixed(1)} CPU s per million, ` +
          `peak ${Math.round(figures.peakMegabytes)} MB; MB at each tenth of the run: ${memory.join(' ')}`,
      )
    } finally {
      await source.close()
    }
  }
}

async function measure(rig: Rig, one: Case, plan: Plan): Promise<Round[]> {
  const source = await startSource(one, rig.folder)
  const rounds: Round[] = []
  try {
    for (let number = 1; number <= plan.rounds; number += 1) {
      const round = await measureOnce(rig, { ...one, url: source.url, id: `${one.name}-${number}` }, plan)
      rounds.push(round)
      console.error(progress(one, round))
    }
  } finally {
    await source.close()
  }
  return rounds
}

/** Measures the page walk, the connector, kafkajs and the connector's publisher, one after the other. */
async function measureOnce(rig: Rig, run: Case & { url: string; id: string }, plan: Plan): Promise<Round> {
  const { url, output, limit, clients } = run
  const { brokers, admin } = rig
  const walk = await runLimit('walk', { url, output, limit, clients })
  const { figures, topic, transactions, memory, loopDelay } = await runConnector(rig, { ...run, ...plan })
  const recordsPerTransaction = Math.ceil(clients / transactions)
  const order = { brokers, topic, clients, recordsPerTransaction }
  const kafkajs = await runLimit('publish', { ...order, by: 'kafkajs' })
  const publisher = await runLimit('publish', { ...order, by: 'publisher' })
  await admin.deleteTopics({ topics: [topic, `${topic}.kafkajs`, `${topic}.publisher`] })
  return {
    walk,
    connector: figures,
    kafkajs,
    publisher,
    eventsPerTransaction: recordsPerTransaction,
    memory,
    loopDelay,
  }
}

function progress({ name }: Case, { connector, walk, kafkajs, publisher, memory, loopDelay }: Round): string {
  const whole = Math.round
  return (
    `${name}: ${whole(connector.perSecond)} events/s, ${connector.cpuPerMillion.toFixed(1)} CPU s per million, ` +
    `${whole(connector.peakMegabytes)} MB (${memory.join(' ')}), ` +
    `event loop while reading: p99 ${whole(loopDelay.reading.p99Ms)} ms, longest ${whole(loopDelay.reading.longestMs)} ms; walk ${whole(walk.perSecond)}, ` +
    `kafkajs ${whole(kafkajs.perSecond)}, publisher ${whole(publisher.perSecond)}`
  )
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
