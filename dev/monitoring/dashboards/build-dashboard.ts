import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** A line of a panel: what is asked, and how its series are called. */
type Query = readonly [expr: string, legend: string];

/** A panel: what it shows, in which unit of Grafana's, and where an alert begins. */
export interface PanelSpec {
  readonly title: string;
  readonly description: string;
  readonly unit: "none" | "s" | "ms" | "percentunit" | "ops" | "bool";
  readonly queries: readonly Query[];
  /** The bound of the alert that looks at the same, drawn as a line. */
  readonly bound?: number;
}

/** A dashboard of the service. */
export interface DashboardSpec {
  /** The end of its uid, `mds-NAME`, which links of alerts have. */
  readonly name: string;
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

const DATASOURCE = { type: "prometheus", uid: "${datasource}" };
/** Two panels a row of Grafana's 24 columns. */
const [SPAN, HEIGHT] = [12, 8];

/** The dashboard as Grafana imports it, with the Prometheus to ask as a variable. */
export function buildDashboard({ name, title, panels }: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(`mds-${name}`)
    .tags(["market-data-service"])
    .time({ from: "now-6h", to: "now" })
    .refresh("30s")
    .timezone("America/New_York")
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .withVariable(
      new DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"),
    );
  for (const panel of panels) builder.withPanel(panelOf(panel));
  return builder.build();
}

function panelOf({ title, description, unit, queries, bound }: PanelSpec): PanelBuilder {
  const panel = new PanelBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .min(0)
    .span(SPAN)
    .height(HEIGHT)
    .datasource(DATASOURCE)
    .legend(new VizLegendOptionsBuilder().showLegend(true))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
  queries.forEach(([expr, legend], at) => {
    const refId = String.fromCharCode("A".charCodeAt(0) + at);
    panel.withTarget(
      new DataqueryBuilder()
        .datasource(DATASOURCE)
        .expr(expr)
        .legendFormat(legend)
        .refId(refId)
        .range(),
    );
  });
  if (bound === undefined) return panel;
  const steps = [
    { value: null, color: "green" },
    { value: bound, color: "red" },
  ];
  return panel
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Line));
}
