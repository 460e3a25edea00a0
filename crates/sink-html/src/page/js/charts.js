/* Plots: lists of bars with their numbers beside them, so that nothing is in the picture alone. */

/** Bars of one series. Rows: labels and a count; `href(labels)` may lead somewhere. */
const bars = (chart, { label, href, empty }) => {
  if (chart.rows.length === 0) return h("p", { class: "none" }, empty);
  const same = (text) => chart.rows.filter(([labels]) => label(labels) === text).length > 1;
  const most = Math.max(...chart.rows.map(([, count]) => count), 1);
  return h(
    "ul",
    { class: "bars", "data-chart": chart.key },
    chart.rows.map(([labels, count]) => {
      const plain = label(labels);
      // Two of the same name are told apart by their ids.
      const text = same(plain) ? `${plain} (${labels[labels.length - 1].split(":").slice(0, 2).join(" ")})` : plain;
      const target = href && href(labels);
      return h(
        "li",
        { "data-row": JSON.stringify(labels) },
        h("span", { class: "what", title: text }, target ? h("a", { href: target }, name(text)) : name(text)),
        h("span", { class: "bar", "aria-hidden": "true" }, count > 0 && h("i", { width: `${(100 * count) / most}%` })),
        h("span", { class: "much" }, number(count)),
      );
    }),
  );
};

/** One line of parts for each type of people. `order`: the words in order, with their tones. */
const stacked = (report, chart, order) => {
  const types = [...new Set(chart.rows.map(([[type]]) => type))];
  if (types.length === 0) return h("p", { class: "none" }, "No enabled accounts");
  return h(
    "ul",
    { class: "stacked", "data-chart": chart.key },
    types.map((type) => {
      const counts = new Map(chart.rows.filter(([[of]]) => of === type).map(([[, word], count]) => [word, count]));
      const whole = [...counts.values()].reduce((sum, count) => sum + count, 0);
      const found = order.filter(([word]) => counts.has(word));
      return h(
        "li",
        null,
        h("div", { class: "line" }, h("h3", null, report.schema.typePlural(type)), h("span", { class: "quiet" }, number(whole))),
        h(
          "div",
          { class: "parts", "aria-hidden": "true" },
          found.map(([word, tone]) => h("i", { class: `tone-${tone}`, width: `${(100 * counts.get(word)) / whole}%` })),
        ),
        h(
          "ul",
          { class: "key" },
          found.map(([word, tone]) => {
            const count = counts.get(word);
            const row = JSON.stringify([type, word]);
            return h("li", { class: `tone-${tone}`, "data-row": row }, `${word} `, h("span", { class: "much" }, number(count)), ` (${percent(count, whole)})`);
          }),
        ),
      );
    }),
  );
};
