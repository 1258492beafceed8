import { parseArgs } from 'node:util'
import { BASE, type Command } from './bounds.ts'
import { checkDelivery } from './delivery-model.ts'
import { defects, designed } from './protocol.ts'

/** The options that are numbers, by their names in `Bounds`. */
const numbers = {
  replicas: '',
  openings: 'by all replicas together',
  group: 'maximum number of pages per transaction',
  puts: 'maximum number of PUTs in flight, of each object',
  documentFaults: 'how often the document is deleted or restored from a backup',
  lostMarkers: 'how often Kafka loses a transaction marker',
  deletions: "how often the group's offsets are deleted, or the topic",
  halfDays: 'that pass; commit records expire after three',
} as const
const names = Object.keys(numbers) as (keyof typeof numbers)[]

const HELP = `Checks every interleaving of delivery and operators. Prints the first violation and the steps that lead to it.

npm run model -- [options]

${names.map((name) => `  --${name} ${BASE[name]}  ${numbers[name]}`).join('\n')}
  --pages ${BASE.pages.join(',')}  for each page: events or none
  --commands pause,erase  of operators, which may overlap: pause, resume, erase, rewind:PAGE, republish:PAGE;
                          with --yes if they end in "!": rewind:0!
  --defect NAME  inject a defect, which the check must find:
                 ${Object.keys(defects).join('\n                 ')}
`

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: {
    ...(Object.fromEntries(names.map((name) => [name, text])) as Record<(typeof names)[number], typeof text>),
    pages: text,
    commands: text,
    defect: text,
    help: { type: 'boolean', default: false },
  },
})
const { pages = BASE.pages.join(), commands = '', defect, help } = values

if (help) console.log(HELP)
else {
  const change = Object.entries(defects).find(([known]) => known === defect)?.[1]
  if (defect !== undefined && change === undefined) throw new Error(`--defect: unknown defect ${defect}`)
  const given = Object.fromEntries(names.map((name) => [name, Number(values[name] ?? BASE[name])]))
  const bounds = {
    ...BASE,
    ...given,
    pages: pages.split(',').map((page) => (page === 'none' ? ('none' as const) : ('events' as const))),
    commands: commands === '' ? [] : commands.split(',').map(requestedCommand),
  }
  const { violation, trace, states, complete, held } = checkDelivery(bounds, { ...designed, ...change })
  for (const step of trace) console.log(step)
  const figures = `${states} states; readers have every page in ${complete}, a replica holds the stream in ${held}`
  console.log(`${violation ?? 'no violation'}: ${figures}`)
  if (violation !== undefined) process.exitCode = 1
}

function requestedCommand(wanted: string): Command {
  if (wanted === 'pause' || wanted === 'resume' || wanted === 'erase') return { kind: wanted }
  const [kind, page = ''] = wanted.split(':')
  if (kind !== 'rewind' && kind !== 'republish') throw new Error(`--commands: unknown command ${wanted}`)
  return { kind: 'rewind', to: Number.parseInt(page, 10), republish: kind === 'republish', yes: page.endsWith('!') }
}
