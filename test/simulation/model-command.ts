import { parseArgs } from 'node:util'
import { checkDelivery } from './delivery-model.ts'
import { BASE, type Bounds } from './model-bounds.ts'
import { broken, ours, type Protocol } from './model-protocol.ts'

const HELP = `Walks through every interleaving of the delivery protocol and tells the first fault with the steps to it.

npm run model -- [options]

  --replicas ${BASE.replicas}
  --openings ${BASE.openings}                  by replicas, in all
  --pages ${BASE.pages.join(',')}         each: events or none
  --group ${BASE.group}                     pages in a transaction, at most
  --puts ${BASE.puts}                      under way at once
  --moves ${BASE.moves}                     times that the placement gives the stream to a replica or takes it from one; 0: all have it
  --mishaps ${BASE.mishaps}                   times that the document is deleted or put back from a backup
  --lost-notes ${BASE.lostNotes}                times that Kafka loses the end of a note
  --set PAGE                    an operator may set the stream to this page, once
  --hours ${BASE.hours}                     that may pass: notes expire after two
  --false-stops pass            look at what readers see alone
  --broken NAME                 ${Object.keys(broken).join('\n                                ')}
  --help

Situations to expect, with a second for each 25,000 and 3 GB of memory for 10 million (NODE_OPTIONS=--max-old-space-size=8000):
  --replicas 3 --moves 4                 829,829
  --replicas 3 --openings 4              766,647
  --mishaps 1                            916,672
  --openings 3 --set 0                 1,049,405
  --openings 4 --set 1                 4,782,115
  --openings 3 --hours 4               6,588,209
  the same with an event-less page    14,988,016
`

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: String(BASE.replicas) },
    openings: { type: 'string', default: String(BASE.openings) },
    pages: { type: 'string', default: BASE.pages.join(',') },
    group: { type: 'string', default: String(BASE.group) },
    puts: { type: 'string', default: String(BASE.puts) },
    moves: { type: 'string', default: String(BASE.moves) },
    mishaps: { type: 'string', default: String(BASE.mishaps) },
    'lost-notes': { type: 'string', default: String(BASE.lostNotes) },
    set: { type: 'string' },
    hours: { type: 'string', default: String(BASE.hours) },
    'false-stops': { type: 'string', default: BASE.falseStops },
    broken: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(HELP)
} else {
  const { fault, trace, situations, complete, stopped } = checkDelivery(boundsGiven(), protocolGiven())
  for (const step of trace) console.log(step)
  console.log(
    `${fault ?? 'no fault'}: ${situations} situations, in ${complete} readers have every page, in ${stopped} a replica has stopped`,
  )
  if (fault !== undefined) process.exitCode = 1
}

function boundsGiven(): Bounds {
  const { replicas, openings, group, puts, moves, mishaps, hours, set, pages } = values
  return {
    replicas: Number(replicas),
    openings: Number(openings),
    group: Number(group),
    puts: Number(puts),
    moves: Number(moves),
    mishaps: Number(mishaps),
    lostNotes: Number(values['lost-notes']),
    hours: Number(hours),
    set: set === undefined ? undefined : Number(set),
    falseStops: values['false-stops'] === 'pass' ? 'pass' : 'are faults',
    pages: pages.split(',').map((page) => (page === 'none' ? 'none' : 'events')),
  }
}

function protocolGiven(): Protocol {
  const { broken: name } = values
  if (name === undefined) return ours
  const change = Object.entries(broken).find(([known]) => known === name)?.[1]
  if (change === undefined) throw new Error(`--broken: there is no ${name}`)
  return { ...ours, ...change }
}
