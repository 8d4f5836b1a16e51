package web

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"sallyport/proxy/approval"
)

var update = flag.Bool("update", false, "take the picture of the documents anew")

// browser is a real one, without a window. Its tabs share their cookies.
func browser(t *testing.T) (ctx context.Context) {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("SALLYPORT_E2E") == "require" {
		missing = t.Fatalf
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing("%v", err)
	}
	dir, err := os.MkdirTemp("", "sallyport-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // it may write there until its very end
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.WindowSize(1000, 1400))
	alloc, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*patience)
	t.Cleanup(cancel)
	return ctx
}

// do runs actions one after the other. One that fails because the page was put in
// anew under its hands is tried again.
func do(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	for _, a := range actions {
		err := chromedp.Run(ctx, a)
		for end := time.Now().Add(patience); err != nil && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			err = chromedp.Run(ctx, a)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// until polls for what the page comes to show by itself.
func until(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	script := fmt.Sprintf("document.querySelector('main') !== null && document.querySelector('main').innerText.includes(%q)", what)
	eventually(t, ctx, what, script)
}

// eventually evaluates a condition again and again: the page may be on its way to
// another one.
func eventually(t *testing.T, ctx context.Context, what, script string) {
	t.Helper()
	var got bool
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if err := chromedp.Run(ctx, chromedp.Evaluate(script, &got)); err == nil && got {
			return
		}
	}
	var text string
	_ = chromedp.Run(ctx, chromedp.Text("body", &text, chromedp.ByQuery))
	t.Fatalf("the page never showed %q, but %q", what, text)
}

// press presses a button from within the page, where nothing comes between: news may
// put another one in its place while a pointer is down.
func press(t *testing.T, ctx context.Context, id, decision string) {
	t.Helper()
	script := fmt.Sprintf(`(() => { const b = document.querySelector("#%s button[value=%s]:not([disabled])"); b?.click(); return b !== null })()`, id, decision)
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		pressed, before := false, err
		if err = chromedp.Run(ctx, chromedp.Evaluate(script, &pressed)); pressed || err == nil && before != nil {
			return // or it has taken us away before it was told
		}
	}
	t.Fatalf("%s of %s cannot be pressed: %v", decision, id, err)
}

// click presses a button as a pointer does, once: a click that has gone through is not
// repeated.
func click(id, decision string) chromedp.Action {
	pressed := false
	return chromedp.ActionFunc(func(ctx context.Context) error {
		if pressed {
			return nil
		}
		err := chromedp.Click(fmt.Sprintf(`#%s button[value=%s]:not([disabled])`, id, decision), chromedp.ByQuery).Do(ctx)
		pressed = err == nil
		return err
	})
}

// TestBrowser answers questions in a real browser: approve, approve for a while,
// refuse with a reason, see one run out, and see in one tab what was done in
// another, all without loading the page again.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	x := newScene(t, terms)
	do(t, ctx, chromedp.Navigate(x.page.Link()))
	until(t, ctx, "Nothing waits")

	id := x.ask(terms, `{"namespace":"prod","name":"web"}`)
	until(t, ctx, `"namespace": "prod"`)
	tab, cancel := chromedp.NewContext(ctx)
	defer cancel()
	do(t, tab, chromedp.Navigate(x.page.Origin()+"/q/"+id))
	until(t, tab, "May this call be made?")
	press(t, ctx, id, "once")
	until(t, ctx, "Approved.")
	until(t, tab, "settled meanwhile")
	if b := x.desk.Board(); b.Settled[0].Status != "approved" || len(b.Unspent) != 1 {
		t.Errorf("approved once: %+v", b)
	}

	id = x.ask(terms, `{"namespace":"prod","name":"db"}`)
	until(t, ctx, "What is different")
	press(t, ctx, id, "remember")
	until(t, ctx, "these arguments, used 0 times")

	id = x.ask(terms, `{"namespace":"kube-system"}`)
	until(t, ctx, "kube-system")
	do(t, ctx, chromedp.SendKeys("#r-"+id, "not this namespace", chromedp.ByQuery))
	other := x.ask(terms, `{"n":1}`) // what is being typed survives the news
	until(t, ctx, `"n": 1`)
	press(t, ctx, id, "refuse")
	until(t, ctx, "declined: not this namespace")
	if done := x.desk.Board().Settled[0]; done.Reason != "not this namespace" || done.By != "owner" {
		t.Errorf("refused: %+v", done)
	}
	if err := x.desk.Answer(other, approval.Answer{Channel: "web"}); err != nil {
		t.Error(err)
	}

	x.ask("  timeout = \"3s\"\n", `{"soon":"gone"}`)
	until(t, ctx, "unanswered") // and it may have been so before it was seen
	until(t, ctx, "Nothing waits")
}

// TestBrowserWithoutScripts approves and refuses with scripts switched off.
func TestBrowserWithoutScripts(t *testing.T) {
	ctx := browser(t)
	x := newScene(t, terms)
	first, second := x.ask(terms, `{"n":1}`), x.ask(terms, `{"n":2}`)
	do(t, ctx, emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(x.page.Link()), chromedp.WaitReady("#"+first, chromedp.ByQuery),
		click(first, "once"), chromedp.WaitReady(".notice", chromedp.ByQuery),
		chromedp.SendKeys("#r-"+second, "no", chromedp.ByQuery), click(second, "refuse"), chromedp.WaitReady(".empty", chromedp.ByQuery))
	b := x.desk.Board()
	if len(b.Settled) != 2 || b.Settled[1].Status != "approved" || b.Settled[0].Status != "declined" || b.Settled[0].Reason != "no" {
		t.Errorf("%+v", b.Settled)
	}
}

// TestBrowserOtherSite has another site post to the page in the name of whoever was
// let in: by a form that sends itself, by fetch, in a frame. Nothing is answered.
func TestBrowserOtherSite(t *testing.T) {
	ctx := browser(t)
	x := newScene(t, terms)
	id := x.ask(terms, `{"n":1}`)
	in := x.inside().form(id, "once")
	evil := fmt.Sprintf(`<form id=f method=post action="%[1]s"><input name=csrf value="%[2]s"><input name=shown value="%[3]s"><input name=decision value=once><input name=reason></form>
<iframe src="%[4]s/" id=frame></iframe>
<script>
fetch("%[1]s", {method:"POST", mode:"no-cors", credentials:"include", headers:{"Content-Type":"application/x-www-form-urlencoded"}, body:new URLSearchParams(new FormData(document.forms[0]))})
  .catch(() => 0).finally(() => fetch("%[4]s/", {mode:"cors", credentials:"include"}).then(() => document.title="read", () => document.title="blocked").finally(() => { if (location.hash === "#form") document.forms[0].submit() }))
</script>`, x.page.Address(id)+"/answer", in.Get("csrf"), in.Get("shown"), x.page.Origin())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, evil)
	}))
	do(t, ctx, chromedp.Navigate(x.page.Link()), chromedp.WaitReady("#"+id, chromedp.ByQuery))
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, from := range []string{"http://" + l.Addr().String() + "/", "http://localhost:" + port + "/"} {
		var title, body string
		do(t, ctx, chromedp.Navigate(from))
		eventually(t, ctx, "a title", `document.title !== ""`)
		do(t, ctx, chromedp.Title(&title))
		if title != "blocked" {
			t.Errorf("%s could read the page", from)
		}
		do(t, ctx, chromedp.Navigate(from+"#form"), chromedp.Reload())
		eventually(t, ctx, "the answer to the form", `location.port !== "`+port+`"`)
		do(t, ctx, chromedp.Text("body", &body, chromedp.ByQuery))
		if !x.waits(id) {
			t.Fatalf("%s answered the question; the page said %q", from, body)
		}
	}
	do(t, ctx, chromedp.Navigate(x.page.Origin()), chromedp.WaitReady("#"+id, chromedp.ByQuery))
	press(t, ctx, id, "once")
	until(t, ctx, "Approved.")
}

// TestBrowserPicture takes the picture of the documents.
func TestBrowserPicture(t *testing.T) {
	ctx := browser(t)
	x := newScene(t, terms)
	for _, args := range []string{`{"namespace":"app-staging","kind":"Deployment","name":"web","force":false}`, `{"namespace":"monitoring","kind":"Pod","name":"probe-7"}`} {
		id := x.ask(terms, args)
		a := approval.Answer{Word: approval.Approve, Channel: "web", Approver: "alice"}
		if strings.Contains(args, "probe") {
			a.For = 10 * time.Minute
		}
		if err := x.desk.Answer(id, a); err != nil {
			t.Fatal(err)
		}
		if g := x.desk.Take(approval.Subject{Key: x.desk.Board().Settled[0].Key, Decision: x.desk.Board().Settled[0].Decision}); g != nil {
			_ = g.Spend(x.desk.Board().Settled[0].Key)
		}
	}
	x.askOf(terms, "kubernetes", "kubectl_delete", `{"namespace":"prod","kind":"Deployment","name":"web","force":true}`)
	x.askOf("", "mail", "send", `{"to":"someone@ex`+"\u0430"+`mple.com","subject":"Report","body":"Please find attached\u200b …"}`)
	var png []byte
	do(t, ctx, chromedp.Navigate(x.page.Link()))
	until(t, ctx, "What is different")
	do(t, ctx, chromedp.FullScreenshot(&png, 100))
	if len(png) < 20<<10 {
		t.Errorf("a picture of %d bytes shows nothing", len(png))
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", "..", "docs", "approval-page.png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBrowserEnter: Enter in the field for a reason refuses; it never approves.
func TestBrowserEnter(t *testing.T) {
	ctx := browser(t)
	x := newScene(t, terms)
	id := x.ask(terms, `{"n":1}`)
	do(t, ctx, chromedp.Navigate(x.page.Link()))
	until(t, ctx, `"n": 1`)
	do(t, ctx, chromedp.SendKeys("#r-"+id, "no, never this\r", chromedp.ByQuery))
	until(t, ctx, "declined: no, never this")
	if b := x.desk.Board(); len(b.Unspent) != 0 {
		t.Errorf("%+v", b)
	}
}

// TestBrowserTyping: what is typed while news is on its way is kept.
func TestBrowserTyping(t *testing.T) {
	ctx := browser(t)
	x := newScene(t, terms)
	id := x.ask(terms, `{"n":1}`)
	do(t, ctx, chromedp.Navigate(x.page.Link()))
	until(t, ctx, `"n": 1`)
	var held, same bool
	do(t, ctx, chromedp.Evaluate(`(() => { const real = window.fetch, gate = new Promise(open => { window.release = open });
		window.fetch = async (...a) => { const r = await real(...a); window.held = true; await gate; return r } })(), true`, &held))
	x.ask(terms, `{"n":2}`)
	eventually(t, ctx, "news", `window.held === true`)
	do(t, ctx, chromedp.SendKeys("#r-"+id, "not yet", chromedp.ByQuery), chromedp.Evaluate(`window.release(), true`, &held))
	until(t, ctx, `"n": 2`)
	do(t, ctx, chromedp.Evaluate(`document.getElementById("r-`+id+`").value === "not yet"`, &same))
	if !same {
		t.Error("what was typed is lost")
	}
}

// TestBrowserMoved: a press made at the moment at which one question goes and
// another one moves to its place approves neither.
func TestBrowserMoved(t *testing.T) {
	ctx := browser(t)
	x := newScene(t, terms)
	first, second := x.ask(terms, `{"n":1}`), x.ask(terms, `{"n":2}`)
	do(t, ctx, chromedp.Navigate(x.page.Link()))
	until(t, ctx, `"n": 2`)
	var ok bool
	do(t, ctx, chromedp.Evaluate(`new MutationObserver(() => { const b = document.querySelector('#`+second+` button[value=once]');
		if (b && !document.getElementById("`+first+`")) { b.click(); window.pressed = true; } }).observe(document.body, {childList: true}), true`, &ok))
	if err := x.desk.Answer(first, approval.Answer{Channel: "command_line", Approver: "x"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, ctx, "the press", `window.pressed === true`)
	time.Sleep(300 * time.Millisecond)
	if !x.waits(second) {
		t.Error("the other question was approved")
	}
}
