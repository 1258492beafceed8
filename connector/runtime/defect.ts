/** One line about an unexpected error: its class, system code and place. Its message is left out: it may quote what was being worked on. */
export function defectLine(error: unknown): string {
  if (!(error instanceof Error)) return `unexpected ${typeof error} thrown; this is a defect of the connector`
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : ''
  const place = /[/\\]((?:[\w.-]+[/\\]){0,2}[\w.-]+\.[cm]?[jt]s:\d+:\d+)/.exec(error.stack ?? '')?.[1]
  return `unexpected ${error.name}${code}${place === undefined ? '' : ` at ${place}`}; this is a defect of the connector`
}
