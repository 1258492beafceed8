import type { PageLayout } from '../../client-source.ts'
import type { AnswerReading } from '../decode/page/decode-page.ts'
import { type Field, isListOfObjects, type Path } from '../decode/page/page-fields.ts'
import { isErrorName } from '../decode/page/reported-error.ts'

/** Tells where the parts of a page are, and which other objects and lists its answer has. */
export function layoutOf({ flag, token, clients, others }: AnswerReading): PageLayout {
  const isPart = ({ path }: Field) => clients !== undefined && (isWithin(path, clients) || isWithin(clients, path))
  const besides = others.filter((field) => isStructure(field) && !isPart(field))
  const outermost = besides.filter(({ parents }) => !parents.some((parent) => besides.includes(parent)))
  const disregarded = outermost.map((field) => ({ path: field.path, why: reasonOf(field) }))
  return { flag: flag.path, token: token?.path, clients, disregarded }
}

const isStructure = ({ isList, items }: Field) => isList || items.some(({ kind }) => kind === 'object')

const isWithin = (path: Path, outer: Path) => outer.every((name, at) => name.toLowerCase() === path[at]?.toLowerCase())

function reasonOf(field: Field) {
  if (isErrorName(field.name)) return 'reports no error'
  if (isListOfObjects(field)) return 'a list beside the configured one'
  return field.isList ? 'a list without objects' : 'an object without a list of objects'
}
