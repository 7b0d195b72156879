// The browser's part: draw charts, keep the connection honest, never send a form twice.
"use strict";

const root = document.documentElement;
const css = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

// ---- light and dark ------------------------------------------------------------------------------------------------
const kept = localStorage.getItem("theme");
if (kept) root.dataset.theme = kept;
addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  drawAll();
});

// ---- charts --------------------------------------------------------------------------------------------------------
const charts = new Map();

function option(data) {
  const ink = css("--quiet"), line = css("--line");
  // on the wall the measures follow the screen
  const wall = document.body.classList.contains("wall");
  const size = wall ? 1.2 * parseFloat(getComputedStyle(root).fontSize) : 12;
  const bar = (name, values, colour) => ({ name, type: "bar", stack: "all", data: values, color: colour, barMaxWidth: 22 });
  const negative = bar("负面", data.negative, css("--bar-bad"));
  const made = {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 8, top: data.marks && data.marks.length ? 52 : 14, bottom: 4, containLabel: true },
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, axisPointer: { type: "shadow" } },
    xAxis: { type: "category", data: data.times, axisLabel: { color: ink, fontSize: size }, axisLine: { lineStyle: { color: line } }, axisTick: { show: false } },
    yAxis: { type: "value", minInterval: 1, splitNumber: wall ? 2 : 5, axisLabel: { color: ink, fontSize: size }, splitLine: { lineStyle: { color: line } } },
    series: [negative, bar("其他", data.other, css("--bar"))],
  };
  // the words of neighbouring marks stand above one another
  let last = -Infinity, storey = 0;
  const lines = (data.marks || []).sort((a, b) => a.at - b.at).map((mark) => {
    storey = mark.at - last < data.times.length / 10 ? (storey + 1) % 3 : 0;
    last = mark.at;
    return {
      xAxis: mark.at,
      lineStyle: { color: mark.kind === "reply" ? css("--good") : css("--orange"), type: "solid", width: 1.5 },
      label: { formatter: mark.text, color: mark.kind === "reply" ? css("--good") : css("--orange"), position: "end", offset: [0, -13 * storey] },
    };
  });
  if (data.usual) lines.push({ yAxis: data.usual, lineStyle: { color: ink, type: "dashed" }, label: { formatter: "日常 " + data.usual, color: ink, position: "insideEndTop" } });
  if (lines.length) negative.markLine = { symbol: "none", silent: true, data: lines };
  return made;
}

function draw(box) {
  const source = document.getElementById(box.dataset.chart);
  if (!source || !window.echarts) return;
  const chart = charts.get(box) || echarts.init(box, null, { renderer: "canvas" });
  charts.set(box, chart);
  chart.setOption(option(JSON.parse(source.textContent)), true);
}
function drawAll() { document.querySelectorAll("[data-chart]").forEach(draw); }
addEventListener("DOMContentLoaded", drawAll);
addEventListener("htmx:afterSettle", () => document.querySelectorAll("[data-chart]").forEach((box) => charts.has(box) || draw(box)));
addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
addEventListener("beforeprint", () => charts.forEach((chart) => chart.resize()));

// ---- the connection ------------------------------------------------------------------------------------------------
const boot = document.querySelector('meta[name="boot"]')?.content ?? "";
let lost = false, loggedOut = false, restarted = false;

function say(text, good, link) {
  const box = document.getElementById("link");
  if (!box) return;
  box.hidden = !text;
  box.classList.toggle("back", Boolean(good));
  box.textContent = text;
  if (link) {
    const a = document.createElement("a");
    a.href = link[0];
    a.textContent = link[1];
    box.append(" ", a);
  }
}
function refresh() {
  document.querySelectorAll("#live").forEach((part) => window.htmx && htmx.trigger(part, "refresh"));
}
async function look() {
  try {
    const answer = await fetch("/alive", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const now = await answer.json();
    if (lost) {
      lost = false;
      refresh();
      say("已重新连接，内容已更新。", true);
      setTimeout(() => say(""), 4000);
    }
    if (document.querySelector(".top, .walltop") && !now.in && !loggedOut) {
      loggedOut = true;
      say("登录已失效，页面不再更新。", false, ["/login?next=" + encodeURIComponent(location.pathname + location.search), "重新登录"]);
    } else if (now.boot !== boot && !restarted) {
      restarted = true;
      if (document.body.classList.contains("wall")) location.reload();
      else say("系统已重新启动，数据已续上。", true, [location.href, "刷新页面"]);
    }
  } catch {
    if (!lost) say("与服务器的连接中断，显示的可能不是最新内容，正在自动重连……");
    lost = true;
  }
  setTimeout(look, lost ? 3000 : 15000);
}
addEventListener("DOMContentLoaded", () => setTimeout(look, 5000));
addEventListener("htmx:sendError", () => {
  if (lost) return;
  lost = true;
  say("与服务器的连接中断，显示的可能不是最新内容，正在自动重连……");
});
addEventListener("htmx:beforeSwap", (event) => {
  // a fragment of another page (log-in, error) never lands inside this one
  if (event.detail.xhr.status === 401) { event.detail.shouldSwap = false; look(); }
});

// ---- forms ---------------------------------------------------------------------------------------------------------
addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "1";
  setTimeout(() => event.target.querySelectorAll("button").forEach((button) => { button.disabled = true; }), 0);
  setTimeout(() => { delete event.target.dataset.sent; event.target.querySelectorAll("button").forEach((button) => { button.disabled = false; }); }, 8000);
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
addEventListener("DOMContentLoaded", () => {
  const wrong = document.querySelector("input[data-column]");
  if (!wrong) return;
  const at = Number(wrong.dataset.column) - 1;
  wrong.focus();
  wrong.setSelectionRange(at, Math.min(at + 1, wrong.value.length));
});

// ---- the wall ------------------------------------------------------------------------------------------------------
addEventListener("DOMContentLoaded", () => {
  const clock = document.querySelector("[data-clock]");
  if (!clock) return;
  const shape = new Intl.DateTimeFormat("zh-CN", { timeZone: clock.dataset.clock, month: "long", day: "numeric", weekday: "long", hour: "2-digit", minute: "2-digit" });
  const tick = () => { clock.textContent = shape.format(new Date()); };
  tick();
  setInterval(tick, 10000);
  const again = document.querySelector("[data-reload]");
  if (again) setInterval(() => { if (!lost) location.reload(); }, 1000 * Number(again.dataset.reload));
});
