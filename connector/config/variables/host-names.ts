import { BlockList, isIP } from 'node:net'

/** Host of a URL without brackets and final dot. */
export const bareHost = (host: string) =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')

/** `network` in the form of CIDR. */
function isInNetwork(host: string, network: string): boolean {
  const [address = '', length = ''] = network.split('/')
  const family = (text: string) => (isIP(text) === 6 ? 'ipv6' : 'ipv4')
  if (isIP(address) === 0 || isIP(address) !== isIP(host) || !/^\d{1,3}$/.test(length)) return false
  if (Number(length) > (isIP(address) === 6 ? 128 : 32)) return false
  const list = new BlockList()
  list.addSubnet(address, Number(length), family(address))
  return list.check(host, family(host))
}

/** Whether it is a loopback address or a name of one. */
export function isThisMachine(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    ['127.0.0.0/8', '::1/128'].some((it) => isInNetwork(host, it))
  )
}
