import * as z from 'zod'
import type { Screen } from './screen.ts'
import { table } from './text.ts'

/** What `doctor --fields --json` prints. */
export const fieldsShape = z
  .array(
    z.strictObject({
      stream: z.string().describe('Name of the stream'),
      clients: z.int().describe('Number of clients in the sample'),
      fields: z
        .array(
          z.strictObject({
            path: z.string().describe('Dotted path; a list adds no level'),
            filled: z.int().describe('Objects in which the field has a value that is not empty'),
            of: z.int().describe('Objects that could have it'),
            types: z.array(z.string()).readonly().describe('Types of its values, the most frequent first'),
            role: z
              .enum(['client id', 'modification time', 'list'])
              .nullable()
              .describe('What the connector uses it for'),
          }),
        )
        .readonly()
        .describe('Every field of the sample'),
      problem: z.string().nullable().describe('Why the client id could not be detected'),
      settings: z.array(z.string()).readonly().describe('Lines of YAML: settings for what was found'),
    }),
  )
  .readonly()

/** The fields of the clients as a table, and settings for them. */
export function fieldLines(
  { stream, clients, fields, problem, settings }: z.output<typeof fieldsShape>[number],
  { paint }: Pick<Screen, 'paint'>,
): string[] {
  const rows = fields.map(({ path, filled, of, types, role }) => [
    ...[path, `${filled} of ${of}`, `${Math.round((filled / of) * 100)} %`, types.join(', '), role ?? ''],
  ])
  return [
    `${paint('bold', `stream ${stream}`)}: ${clients} clients`,
    ...table([['FIELD', 'FILLED', '', 'TYPES', 'USE'].map((name) => paint('bold', name)), ...rows]),
    ...(problem === null ? [] : ['', paint('yellow', problem)]),
    ...['', ...settings, ''],
  ]
}
