import type { StreamSurvey } from '../../inspect/doctor/survey-fields.ts'
import type { Screen } from './screen.ts'
import { table } from './text.ts'

/** The fields of the clients as a table, and settings for them. */
export function fieldLines(
  { stream, clients, fields, problem, settings }: StreamSurvey,
  { paint }: Pick<Screen, 'paint'>,
): string[] {
  const rows = fields.map(({ path, filled, of, types, role }) => {
    const share = `${Math.round((filled / of) * 100)} %`
    return [path, `${filled} of ${of}`, share, types.join(', '), role ?? '']
  })
  return [
    `${paint('bold', `stream ${stream}`)}: ${clients} clients`,
    ...table([['FIELD', 'FILLED', '', 'TYPES', 'USE'].map((name) => paint('bold', name)), ...rows]),
    ...(problem === null ? [] : ['', paint('yellow', problem)]),
    '',
    ...settings,
    '',
  ]
}
