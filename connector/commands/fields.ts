import { z } from 'zod'
import { valueTypes } from '../event/fields/field-types.ts'
import { listFieldsLine } from '../event/list-shapes.ts'
import { type Command, configOption, jsonOption, printOutput } from './command.ts'
import { streamOption, withStream } from './command-resources.ts'
import type { Screen } from './output/screen.ts'
import { counted, isoTime, table } from './output/text.ts'
import { readFields, type StreamFields } from './stream-fields.ts'

const fieldsShape = z.strictObject({
  stream: z.string().describe('Name of the stream'),
  clients: z.int().describe('Published clients whose fields were counted'),
  learned: z.boolean().describe('Whether a field that is not listed is reported as new'),
  lists: z.array(z.string()).readonly().describe('Fields that are lists in every event: configured, or settled'),
  types: z
    .array(
      z.strictObject({
        path: z.string().describe('Dotted path, in lower case'),
        type: z.enum(valueTypes),
        mistyped: z.int().describe('Published clients in which a value did not fit the type and stayed text'),
      }),
    )
    .readonly()
    .describe('Fields with a type in `event.types`'),
  fields: z
    .array(
      z.strictObject({
        path: z.string().describe('One or two names; `*`: of a map, whose names are not kept'),
        share: z.number().describe('Share of the clients that have it, 0 to 1'),
        empty: z.number().describe('Share of these in which it is empty, 0 to 1'),
        shapes: z
          .array(z.enum(['text', 'object', 'list']))
          .readonly()
          .describe('Its forms, except when it is empty'),
        longest: z.int().describe('Characters of its longest text'),
        firstSeen: z.string().describe('ISO 8601, in UTC'),
        vanished: z.boolean().describe('Absent from the last 1,000 clients'),
      }),
    )
    .readonly(),
})

type Fields = z.output<typeof fieldsShape>

export const fields: Command = {
  name: 'fields',
  summary: 'list the fields that the clients of a stream have',
  usage:
    'Prints the fields of the clients that the stream has published: how many clients have them, how\n' +
    'often they are empty, whether they are lists, the length of the longest text, and since when they\n' +
    'are known. Never a value. The names of more than 50 fields below one are not kept: they may be\n' +
    'data. The replica that runs the stream writes the names when they change, the counts at least\n' +
    'once a day. Before a stream runs, use doctor --fields.\n' +
    'Exit code: 0 printed, 1 no client was published yet, 2 invalid configuration or request, 3 the\n' +
    'checkpoint store is unavailable.',
  options: {
    ...configOption,
    ...streamOption,
    ...jsonOption,
  },
  positional: ['stream'],
  examples: ['fields lyon --config connector.yaml'],
  outputs: { '--json': fieldsShape },
  run: (args, parts) =>
    withStream(args, parts, async ({ stream, shared }) => {
      const stored = await readFields(stream, shared, parts.stop)
      if (stored === undefined) {
        parts.printError(`stream ${stream.name} has published no client yet: run doctor --fields`)
        return 1
      }
      const report = fieldsOutput(stream.name, stored)
      printOutput(args, parts, { json: report, lines: () => fieldLines(report, parts.screen) })
      return 0
    }),
}

export function fieldsOutput(
  stream: string,
  { clients, isLearned, lists, types, fields: seen }: Omit<StreamFields, 'dropped'>,
): Fields {
  return {
    stream,
    clients,
    learned: isLearned,
    lists,
    types,
    fields: seen.map(({ path, clients: had, filled, shapes, longest, firstSeen, isVanished }) => ({
      path,
      share: rounded(had / clients),
      empty: rounded((had - filled) / had),
      shapes,
      longest,
      firstSeen: isoTime(firstSeen),
      vanished: isVanished,
    })),
  }
}

const rounded = (share: number) => Math.round(share * 1000) / 1000

export function fieldLines(
  { stream, clients, learned, lists, types, fields: found }: Fields,
  { paint }: Pick<Screen, 'paint'>,
): string[] {
  const head = ['field', 'clients', 'empty', 'form', 'longest', 'first seen'].map((name) => paint('gray', name))
  const rows = found.map(({ path, share, empty, shapes, longest, firstSeen, vanished }) => [
    path,
    percent(share),
    percent(empty),
    shapes.join(', ') || 'always empty',
    String(longest),
    vanished ? `${firstSeen}, vanished` : firstSeen,
  ])
  const learning = learned ? [] : ['Fields that appear now are not reported as new: too few clients are known.']
  return [
    `${paint('bold', `stream ${stream}`)}: fields of ${counted(clients, 'client')}`,
    ...table([head, ...rows]),
    ...(lists.length === 0
      ? []
      : [`Lists in every event: ${lists.join(', ')}; to configure: ${listFieldsLine(lists)}`]),
    ...(types.length === 0 ? [] : [`Types: ${types.map(typeText).join(', ')}`]),
    ...learning,
  ]
}

const typeText = ({ path, type, mistyped }: Fields['types'][number]) =>
  mistyped === 0 ? `${path} ${type}` : `${path} ${type} (does not fit in ${counted(mistyped, 'client')})`

/** A rare field is never shown as absent. */
function percent(share: number): string {
  if (share > 0 && share < 0.001) return '<0.1 %'
  return `${Math.round(share * 1000) / 10} %`
}
