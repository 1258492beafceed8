import { replaced } from '../../../../connector/index/segment-plan.ts'
import { type Document, IDLE, type Protocol, type Replica, type Segment, type World } from './segments-world.ts'

export interface Step {
  readonly what: string
  readonly world: World
}

/** All steps from a state. */
export function stepsFrom(world: World, protocol: Protocol): Step[] {
  const steps = [
    ...arrivals(world, protocol),
    ...world.replicas.flatMap((replica, by) => stepsOf({ world, protocol, by, replica })),
  ]
  return steps.map(({ what, world: next }) => ({
    what,
    world: { ...next, violation: next.violation ?? missing(next) },
  }))
}

function missing({ document, stored }: World): string | undefined {
  const lost = document?.segments.find(({ name, content }) => stored[name] !== content)
  return lost === undefined ? undefined : 'the document names a segment that does not exist'
}

/** A request arrives. Its sender may wait for it no more. */
function arrivals(world: World, protocol: Protocol): Step[] {
  const { puts, uploads, removals, stored } = world
  return [
    ...puts.map((put) => ({
      what: `the PUT of document ${put.document.version} arrives`,
      world: afterPut(world, put, protocol),
    })),
    ...uploads.map((segment) => ({
      what: `the upload of ${segment.name} arrives`,
      world: afterUpload(world, segment),
    })),
    ...removals.map((name) => {
      const { [name]: _gone, ...others } = stored
      return {
        what: `the removal of ${name} arrives`,
        world: { ...world, stored: others, removals: without(removals, name) },
      }
    }),
  ]
}

function afterPut(world: World, put: World['puts'][number], protocol: Protocol): World {
  const { document, puts } = world
  const isStored = document?.version === put.expected
  const by = world.replicas.findIndex(({ next }) => next?.version === put.document.version)
  const replica = world.replicas[by]
  const next = { ...world, puts: without(puts, put), ...(isStored ? { document: put.document } : {}) }
  if (replica === undefined) return next
  return isStored ? written(next, by, { replica, protocol }) : withReplica(next, by, IDLE)
}

/** The document is known to be written. */
function written(world: World, by: number, { replica, protocol }: { replica: Replica; protocol: Protocol }): World {
  const { next: document, made, known } = replica
  if (document === undefined) throw new Error('nothing was written')
  const isClaim = replica.document?.epoch !== document.epoch
  const named = document.segments.map(({ name }) => name)
  const all = isClaim ? named : [...new Set([...known, ...(made === undefined ? [] : [made.name])])]
  const phase = isClaim && protocol.load === 'after the claim' ? 'loading' : 'running'
  const running: Replica = { ...replica, phase, document, next: undefined, made: undefined, known: named }
  const retired = all.filter((name) => !named.includes(name))
  return withReplica({ ...world, removals: [...world.removals, ...retired] }, by, running)
}

function afterUpload(world: World, segment: Segment): World {
  const by = world.replicas.findIndex(({ phase, made }) => phase === 'uploading' && made?.content === segment.content)
  const replica = world.replicas[by]
  const stored = { ...world.stored, [segment.name]: segment.content }
  const next = { ...world, stored, uploads: without(world.uploads, segment) }
  return replica === undefined ? next : withReplica(next, by, { ...replica, phase: 'running' })
}

interface Context {
  readonly world: World
  readonly protocol: Protocol
  readonly by: number
  readonly replica: Replica
}

function stepsOf(context: Context): Step[] {
  const { world, by, replica } = context
  const step = (what: string, next: World) => ({ what: `replica ${by + 1} ${what}`, world: next })
  const { phase, document, listed } = replica
  if (phase === 'idle') {
    if (world.openings === 0) return []
    const reading = withReplica(world, by, { ...IDLE, phase: 'opening', document: world.document })
    return [step('reads the document', { ...reading, openings: world.openings - 1 })]
  }
  const steps = [step('crashes or gives up', withReplica(world, by, IDLE))]
  if (phase === 'opening') return [...steps, step('loads the segments', opened(context))]
  if (phase === 'loading')
    return [...steps, step('loads the segments', loaded(context, { ...replica, phase: 'running' }))]
  if (document === undefined || (phase === 'writing' && replica.known.length === 0)) return steps
  if (world.listings > 0 && listed.length === 0) {
    const seen = { ...replica, listed: Object.keys(world.stored) }
    steps.push(step('lists the segments', { ...withReplica(world, by, seen), listings: world.listings - 1 }))
  }
  if (listed.length > 0) steps.push(step('removes orphans', orphansRemoved(context)))
  if (phase !== 'running') return steps
  if (replica.made !== undefined) return [...steps, step('writes its document', write(context, document))]
  if (world.segments === 0) return steps
  steps.push(step('uploads a spill', upload(context, [])))
  if (document.segments.length > 1)
    steps.push(
      step(
        'uploads a merge',
        upload(
          context,
          document.segments.map(({ name }) => name),
        ),
      ),
    )
  return steps
}

/** Loads before the claim, unless a defect claims first. */
function opened(context: Context): World {
  const { world, by, replica, protocol } = context
  const { document } = replica
  const next = { version: world.made + 1, epoch: (document?.epoch ?? 0) + 1, segments: document?.segments ?? [] }
  const put = { document: next, expected: document?.version }
  const claiming: Replica = { ...replica, phase: 'writing', next }
  const sent = { ...world, made: world.made + 1, puts: [...world.puts, put] }
  return protocol.load === 'after the claim'
    ? withReplica(sent, by, claiming)
    : loaded({ ...context, world: sent }, claiming, world)
}

/** Continues with `then` if all segments are there. `otherwise`: the world without it. */
function loaded({ world, by, replica, protocol }: Context, then: Replica, otherwise = world): World {
  const { document } = replica
  const isThere = ({ name, content }: Segment) => world.stored[name] === content
  if (document === undefined || document.segments.every(isThere)) return withReplica(world, by, then)
  const hasMoved = world.document?.version !== document.version
  if (hasMoved && protocol.missing === 'reads the document again') return withReplica(otherwise, by, IDLE)
  return { ...otherwise, violation: 'a replica stops without need' }
}

function upload({ world, by, replica, protocol }: Context, replaces: readonly string[]): World {
  const content = world.made + 1
  const { epoch = 0, segments = [] } = replica.document ?? {}
  const place = segments.length - replaces.length
  const name = { 'epoch and nonce': `${epoch}-${content}`, 'epoch and place': `${epoch}-${place}`, place: `0-${place}` }
  const segment = { name: name[protocol.names], content }
  const uploading: Replica = { ...replica, phase: 'uploading', made: { ...segment, replaces } }
  const sent = { ...world, made: content, segments: world.segments - 1, uploads: [...world.uploads, segment] }
  return withReplica(sent, by, uploading)
}

/** Installs the uploaded segment, by the connector's own function. */
function write({ world, by, replica, protocol }: Context, document: Document): World {
  const { made } = replica
  if (made === undefined) throw new Error('nothing was uploaded')
  const { replaces, ...segment } = made
  const older = replaces.map((name) => referenceTo({ name, content: 0 }))
  const all = document.segments.map(referenceTo)
  const names = replaced(replaces.length === 0 ? [...all, referenceTo(segment)] : all, {
    replaces: older,
    made: replaces.length === 0 ? [] : [referenceTo(segment)],
  }).map(({ name }) => name)
  const segments = [...document.segments, segment].filter(
    ({ name }, at, list) => names.includes(name) && list.findIndex((one) => one.name === name) === at,
  )
  const next = { version: world.made + 1, epoch: document.epoch, segments }
  const removals = protocol.removal === 'when the document is sent' ? [...world.removals, ...replaces] : world.removals
  const puts = [...world.puts, { document: next, expected: document.version }]
  return withReplica({ ...world, made: world.made + 1, puts, removals }, by, { ...replica, phase: 'writing', next })
}

const referenceTo = ({ name }: Segment) => ({ name, tier: 0, from: 0, to: 0, entries: 1, sha256: '' })

/** As in `indexStorage`: deletes what was listed, is of an earlier claim, and is unknown. */
function orphansRemoved({ world, by, replica, protocol }: Context): World {
  const { listed, known, document, made } = replica
  const mine = made === undefined ? known : [...known, made.name]
  const named = document?.segments.map(({ name }) => name) ?? []
  const isOrphan = (name: string) => {
    if (protocol.orphans === 'whatever the document does not name') return !named.includes(name)
    const isEarlier = Number.parseInt(name, 10) < (document?.epoch ?? 0)
    return !mine.includes(name) && (isEarlier || protocol.orphans === 'of all epochs')
  }
  return withReplica({ ...world, removals: [...world.removals, ...listed.filter(isOrphan)] }, by, {
    ...replica,
    listed: [],
  })
}

function withReplica(world: World, by: number, replica: Replica): World {
  return { ...world, replicas: world.replicas.with(by, replica) }
}

function without<Value>(values: readonly Value[], value: Value): readonly Value[] {
  return values.toSpliced(values.indexOf(value), 1)
}
