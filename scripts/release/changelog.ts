/** What CHANGELOG.md says of a version, without its heading; `undefined` where it has no section of it, or an empty one. */
export function changelogSection(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1)
  const own = sections.find((section) => section.startsWith(`[${version}]`))
  const text = own?.slice(own.indexOf('\n')).replaceAll(/^\[[^\]]+\]: .*$/gm, '')
  return text?.trim() || undefined
}
