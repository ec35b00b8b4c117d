export type Point = { latitude: number; longitude: number }
/** The radius is in metres. */
export type Circle = Point & { radius: number }

const earthRadius = 6_371_008.8
const radians = (degrees: number): number => (degrees * Math.PI) / 180
const within = (value: number, low: number, high: number): number =>
  Math.min(high, Math.max(low, value))

/** The great-circle distance in metres (haversine). */
export function distanceMetres(a: Point, b: Point): number {
  const dLatitude = radians(b.latitude - a.latitude)
  const dLongitude = radians(b.longitude - a.longitude)
  const h =
    Math.sin(dLatitude / 2) ** 2 +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(dLongitude / 2) ** 2
  return 2 * earthRadius * Math.asin(Math.sqrt(within(h, 0, 1)))
}

/** The area that two circles of a plane share; `distance` is between their centres. */
function lensArea(r: number, s: number, distance: number): number {
  if (distance >= r + s) return 0
  if (distance <= Math.abs(r - s)) return Math.PI * Math.min(r, s) ** 2
  const segment = (radius: number, other: number): number => {
    const cosine = (distance ** 2 + radius ** 2 - other ** 2) / (2 * distance * radius)
    const half = Math.acos(within(cosine, -1, 1))
    return radius ** 2 * (half - Math.sin(half) * Math.cos(half))
  }
  return segment(r, s) + segment(s, r)
}

/**
 * How the area that was asked for and the area in which the network sees the device lie to each other. The match rate
 * is the share of the network's area that lies inside the requested one, 1 to 99 percent.
 */
export function compareAreas(
  requested: Circle,
  network: Circle,
): { result: 'TRUE' | 'FALSE' } | { result: 'PARTIAL'; matchRate: number } {
  const distance = distanceMetres(requested, network)
  if (distance + network.radius <= requested.radius) return { result: 'TRUE' }
  if (distance >= requested.radius + network.radius) return { result: 'FALSE' }
  const share =
    lensArea(requested.radius, network.radius, distance) / (Math.PI * network.radius ** 2)
  return { result: 'PARTIAL', matchRate: within(Math.round(share * 100), 1, 99) }
}
