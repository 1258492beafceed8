/** What is known of one field of a client by its path: its name, whether it is a list, in which shapes it was seen. */
export interface FieldShape {
  /** Local name, as the source spells it. */
  readonly name: string
  /** Dotted path inside a client. */
  readonly path: string
  /** Configured as a list. */
  readonly isList: boolean
  /** Whether a configured list may be below. */
  readonly hasListsBelow: boolean
  /** The shape of a child by its name in the document, prefix and all. */
  child(rawName: string): FieldShape
  /** Notes how the field was just seen; a field that is not configured and seen both ways is reported once. */
  seen(as: 'one' | 'list'): void
}

interface Shapes {
  readonly listPaths: ReadonlySet<string>
  readonly onBoth: (path: string) => void
  known: number
}

/** A document that invents names must not fill the memory. */
const SHAPES_KEPT = 20_000

/** The shape of a client as a whole. `onBoth` hears once of each path that comes both as a list and as a single value. */
export function clientShape(listFields: readonly string[], onBoth: (path: string) => void): FieldShape {
  const listPaths = new Set(listFields.map((path) => path.toLowerCase()))
  return shapeOf('', '', { listPaths, onBoth, known: 0 })
}

function shapeOf(name: string, path: string, shapes: Shapes): FieldShape {
  const children = new Map<string, FieldShape>()
  const isList = shapes.listPaths.has(path.toLowerCase())
  let sawOne = isList
  let sawList = isList
  return {
    name,
    path,
    isList,
    hasListsBelow: [...shapes.listPaths].some(
      (listPath) => path === '' || listPath.startsWith(`${path.toLowerCase()}.`),
    ),
    child: (rawName) => {
      const known = children.get(rawName)
      if (known !== undefined) return known
      const local = localName(rawName)
      const child = shapeOf(local, path === '' ? local : `${path}.${local}`, shapes)
      if (shapes.known < SHAPES_KEPT) {
        shapes.known += 1
        children.set(rawName, child)
      }
      return child
    },
    seen: (as) => {
      if (as === 'one' ? sawOne : sawList) return
      if (as === 'one') sawOne = true
      else sawList = true
      if (sawOne && sawList) shapes.onBoth(path)
    },
  }
}

/** The name without its namespace prefix. */
export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
