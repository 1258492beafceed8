/** Names of a page, compared without case. */
export const FLAG = 'hasmoreresults'
export const TOKEN = 'checkpoint'

/** Whether the local name is the type name of a client, with or without a dotted class name before it. */
export function isInfoClientName(name: string): boolean {
  return name.length >= 'InfoClient'.length && /(?:^|\.)InfoClient$/i.test(name)
}

/** Whether the local name is that of the flag. */
export function isFlagName(name: string): boolean {
  return name.length === FLAG.length && name.toLowerCase() === FLAG
}
