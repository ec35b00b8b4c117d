import type { Routes } from '#platform/http-server'
import { createGatewayRoutes } from './gateway-routes.ts'
import { createLiveRoutes } from './live-routes.ts'
import type { MonitoringOptions } from './monitoring-options.ts'

/** What the operator sees of the running gateways. @public */
export interface Monitoring {
  routes: Routes
}

/** @public */
export function createMonitoring(options: MonitoringOptions): Monitoring {
  const live = createLiveRoutes(options)
  const gateways = createGatewayRoutes(options)
  return {
    async routes(server) {
      await live(server)
      await gateways(server)
    },
  }
}
