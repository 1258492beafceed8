import { parseArgs } from 'node:util'
import { BASE, type Bounds } from './bounds.ts'
import { checkDelivery } from './delivery-model.ts'
import { defects, designed, type Protocol } from './protocol.ts'

const HELP = `Checks every interleaving of the delivery protocol. Prints the first violation and the steps that lead to it.

npm run model -- [options]

  --replicas ${BASE.replicas}
  --openings ${BASE.openings}                  by all replicas together
  --pages ${BASE.pages.join(',')}         for each page: events or none
  --group ${BASE.group}                     maximum number of pages per transaction
  --puts ${BASE.puts}                      maximum number of PUTs in flight
  --assignment-changes ${BASE.assignmentChanges}        how often the placement assigns the stream to a replica or revokes it;
                                0: all replicas have it
  --document-faults ${BASE.documentFaults}           how often the document is deleted or restored from a backup
  --lost-markers ${BASE.lostMarkers}              how often Kafka loses a transaction marker
  --kafka-deletions ${BASE.kafkaDeletions}           how often the group's offsets or the topic are deleted
  --set PAGE                    let an operator set the stream to this page, once
  --hours ${BASE.hours}                     hours that pass; commit records expire after two
  --false-stops ignore          check only what readers see
  --defect NAME                 inject a defect, which the check must find:
                                ${Object.keys(defects).join('\n                                ')}
  --help

Number of states (25,000 per second; 10 million need 3 GB of memory: NODE_OPTIONS=--max-old-space-size=8000):
  --replicas 3 --assignment-changes 4    829,829
  --replicas 3 --openings 4              766,647
  --document-faults 1                    916,672
  --openings 3 --set 0                 1,049,405
  --openings 4 --set 1                 4,782,115
  --openings 3 --hours 4               6,588,209
  the same, a page without events     14,988,016
`

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: String(BASE.replicas) },
    openings: { type: 'string', default: String(BASE.openings) },
    pages: { type: 'string', default: BASE.pages.join(',') },
    group: { type: 'string', default: String(BASE.group) },
    puts: { type: 'string', default: String(BASE.puts) },
    'assignment-changes': { type: 'string', default: String(BASE.assignmentChanges) },
    'document-faults': { type: 'string', default: String(BASE.documentFaults) },
    'lost-markers': { type: 'string', default: String(BASE.lostMarkers) },
    'kafka-deletions': { type: 'string', default: String(BASE.kafkaDeletions) },
    set: { type: 'string' },
    hours: { type: 'string', default: String(BASE.hours) },
    'false-stops': { type: 'string' },
    defect: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(HELP)
} else {
  const { violation, trace, states, complete, stopped } = checkDelivery(requestedBounds(), requestedProtocol())
  for (const step of trace) console.log(step)
  const figures = `${states} states; readers have every page in ${complete}, a replica has stopped in ${stopped}`
  console.log(`${violation ?? 'no violation'}: ${figures}`)
  if (violation !== undefined) process.exitCode = 1
}

function requestedBounds(): Bounds {
  const { replicas, openings, group, puts, hours, set, pages } = values
  return {
    replicas: Number(replicas),
    openings: Number(openings),
    group: Number(group),
    puts: Number(puts),
    assignmentChanges: Number(values['assignment-changes']),
    documentFaults: Number(values['document-faults']),
    lostMarkers: Number(values['lost-markers']),
    kafkaDeletions: Number(values['kafka-deletions']),
    hours: Number(hours),
    set: set === undefined ? undefined : Number(set),
    falseStops: values['false-stops'] === 'ignore' ? 'are ignored' : 'are violations',
    pages: pages.split(',').map((page) => (page === 'none' ? 'none' : 'events')),
  }
}

function requestedProtocol(): Protocol {
  const { defect: name } = values
  if (name === undefined) return designed
  const change = Object.entries(defects).find(([known]) => known === name)?.[1]
  if (change === undefined) throw new Error(`--defect: unknown defect ${name}`)
  return { ...designed, ...change }
}
