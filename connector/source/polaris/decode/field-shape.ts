/** What is known about the field of a client at one path. */
export interface FieldShape {
  /** Local name, in the source's spelling. */
  readonly name: string
  /** Dotted path within a client. */
  readonly path: string
  /** Configured as a list. */
  readonly isList: boolean
  /** Whether a configured list may be below this path. */
  readonly hasListsBelow: boolean
  /** The shape of a child, by its name in the document including the prefix. */
  child(rawName: string): FieldShape
  /** Records how the field occurs. A field that is not configured and occurs both ways is reported once. */
  seen(as: 'one' | 'list'): void
}

interface Shapes {
  readonly listPaths: ReadonlySet<string>
  readonly onBoth: (path: string) => void
  known: number
}

/** Bounds the memory if documents keep using new names. */
const SHAPES_KEPT = 20_000

/** The shape of a whole client. Calls `onBoth` once for each path that occurs both as a list and as a single value. */
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
