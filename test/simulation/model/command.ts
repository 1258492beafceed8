import { parseArgs } from 'node:util'
import { BASE, type Bounds, type Command } from './bounds.ts'
import { checkDelivery } from './delivery-model.ts'
import { defects, designed, type Protocol } from './protocol.ts'

const HELP = `Checks every interleaving of delivery and operators. Prints the first violation and the steps that lead to it.

npm run model -- [options]

  --replicas ${BASE.replicas}
  --openings ${BASE.openings}                  by all replicas together
  --pages ${BASE.pages.join(',')}         for each page: events or none
  --group ${BASE.group}                     maximum number of pages per transaction
  --puts ${BASE.puts}                      maximum number of PUTs in flight, of each object
  --commands pause,erase        of operators, which may overlap: pause, resume, erase, rewind:PAGE, republish:PAGE;
                                with --yes if they end in "!": rewind:0!
  --document-faults ${BASE.documentFaults}           how often the document is deleted or restored from a backup
  --lost-markers ${BASE.lostMarkers}              how often Kafka loses a transaction marker
  --deletions ${BASE.deletions}                 how often the group's offsets are deleted, or the topic
  --half-days ${BASE.halfDays}                 that pass; commit records expire after three
  --false-holds ignore          check only what readers and operators see
  --defect NAME                 inject a defect, which the check must find:
                                ${Object.keys(defects).join('\n                                ')}
  --help
`

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: String(BASE.replicas) },
    openings: { type: 'string', default: String(BASE.openings) },
    pages: { type: 'string', default: BASE.pages.join(',') },
    group: { type: 'string', default: String(BASE.group) },
    puts: { type: 'string', default: String(BASE.puts) },
    commands: { type: 'string', default: '' },
    'document-faults': { type: 'string', default: String(BASE.documentFaults) },
    'lost-markers': { type: 'string', default: String(BASE.lostMarkers) },
    deletions: { type: 'string', default: String(BASE.deletions) },
    'half-days': { type: 'string', default: String(BASE.halfDays) },
    'false-holds': { type: 'string' },
    defect: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(HELP)
} else {
  const { violation, trace, states, complete, held } = checkDelivery(requestedBounds(), requestedProtocol())
  for (const step of trace) console.log(step)
  const figures = `${states} states; readers have every page in ${complete}, a replica holds the stream in ${held}`
  console.log(`${violation ?? 'no violation'}: ${figures}`)
  if (violation !== undefined) process.exitCode = 1
}

function requestedBounds(): Bounds {
  const { replicas, openings, group, puts, deletions, pages, commands } = values
  return {
    replicas: Number(replicas),
    openings: Number(openings),
    group: Number(group),
    puts: Number(puts),
    commands: commands === '' ? [] : commands.split(',').map(requestedCommand),
    documentFaults: Number(values['document-faults']),
    lostMarkers: Number(values['lost-markers']),
    deletions: Number(deletions),
    halfDays: Number(values['half-days']),
    falseHolds: values['false-holds'] === 'ignore' ? 'are ignored' : 'are violations',
    pages: pages.split(',').map((page) => (page === 'none' ? 'none' : 'events')),
  }
}

function requestedCommand(text: string): Command {
  if (text === 'pause' || text === 'resume' || text === 'erase') return { kind: text }
  const [kind, page = ''] = text.split(':')
  if (kind !== 'rewind' && kind !== 'republish') throw new Error(`--commands: unknown command ${text}`)
  return { kind: 'rewind', to: Number.parseInt(page, 10), republish: kind === 'republish', yes: page.endsWith('!') }
}

function requestedProtocol(): Protocol {
  const { defect: name } = values
  if (name === undefined) return designed
  const change = Object.entries(defects).find(([known]) => known === name)?.[1]
  if (change === undefined) throw new Error(`--defect: unknown defect ${name}`)
  return { ...designed, ...change }
}
