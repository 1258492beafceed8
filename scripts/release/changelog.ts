/** The section of a version in CHANGELOG.md, without its heading; undefined if it is missing or empty. */
export function changelogSection(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1)
  const own = sections.find((section) => section.startsWith(`[${version}]`))
  const text = own?.slice(own.indexOf('\n')).replaceAll(/^\[[^\]]+\]: .*$/gm, '')
  return text?.trim() || undefined
}
