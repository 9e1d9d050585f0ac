//! A headless Chromium, driven over [WebDriver](https://www.w3.org/TR/webdriver2/).

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use base64::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Client;
use crate::process::{self, Process};

/// How long an element may take to appear.
const PATIENCE: Duration = Duration::from_secs(10);

/// The key under which `WebDriver` keeps an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with an empty profile. Dropping it closes it.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    session: String,
    _driver: Process,
    _dir: TempDir,
}

/// An element of the page of the moment.
#[derive(Debug)]
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Browser {
    /// Starts Chromium with a window of 1280 by 900 pixels.
    pub fn start() -> anyhow::Result<Self> {
        let chromium = process::find("chromium", "chromium")?;
        let driver = process::find("chromedriver", "chromium-driver")?;
        let dir = tempfile::Builder::new().prefix("portolan-browser-").tempdir()?;
        let port = crate::port::free()?;
        let mut command = Command::new(driver);
        command.arg(format!("--port={port}")).env("HOME", dir.path()).env("TMPDIR", dir.path());
        let mut driver = Process::spawn("chromedriver", &command, &dir.path().join("log"))?;
        let client = Client::new();
        let base = format!("http://127.0.0.1:{port}");
        driver.wait_until(PATIENCE, || {
            client.get(&format!("{base}/status")).is_ok_and(|answer| answer.status == 200)
        })?;
        let profile = format!("--user-data-dir={}", dir.path().join("profile").display());
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1280,900", profile,
            ]},
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let mut browser = Self { client, session: base, _driver: driver, _dir: dir };
        // On a busy machine Chromium sometimes ends while it starts; that says nothing of any page.
        let created = match browser.call("POST", "/session", &capabilities) {
            Err(error) if error.to_string().contains("Chrome instance exited") => {
                browser.call("POST", "/session", &capabilities)?
            }
            created => created?,
        };
        let id = created["sessionId"].as_str().context("chromedriver named no session")?;
        browser.session = format!("{}/session/{id}", browser.session);
        Ok(browser)
    }

    /// Opens `url` and waits until it is loaded.
    pub fn goto(&self, url: &str) -> anyhow::Result<()> {
        self.call("POST", "/url", &json!({ "url": url })).map(drop)
    }

    /// The URL of the page of the moment.
    pub fn url(&self) -> anyhow::Result<String> {
        text_of(&self.call("GET", "/url", &Value::Null)?)
    }

    /// The title of the page.
    pub fn title(&self) -> anyhow::Result<String> {
        text_of(&self.call("GET", "/title", &Value::Null)?)
    }

    /// The first element that matches the CSS `selector`, waiting for it to appear.
    pub fn find(&self, selector: &str) -> anyhow::Result<Element<'_>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(element) = self.all(selector)?.into_iter().next() {
                return Ok(element);
            }
            if Instant::now() > deadline {
                bail!("nothing matches `{selector}` at {}", self.url()?);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clicks on the first element that matches `selector`, which a script may replace meanwhile,
    /// and waits for a page that this opens.
    pub fn click(&self, selector: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.find(selector).and_then(|element| element.click()) {
                Err(_) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                clicked => return clicked,
            }
        }
    }

    /// Waits until the element that matches `selector` has `text` in its text.
    pub fn wait_for(&self, selector: &str, text: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The element may be replaced between finding and reading it.
            let found = self.find(selector).and_then(|element| element.text());
            if found.as_ref().is_ok_and(|found| found.contains(text)) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("`{selector}` never said `{text}`, but {found:?}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Every element that matches the CSS `selector` now.
    pub fn all(&self, selector: &str) -> anyhow::Result<Vec<Element<'_>>> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.call("POST", "/elements", &query)?;
        let ids = found.as_array().into_iter().flatten().filter_map(|each| each[ELEMENT].as_str());
        Ok(ids.map(|id| Element { browser: self, id: id.to_owned() }).collect())
    }

    /// Runs `script`, the body of a JavaScript function, and answers what it returns.
    pub fn script(&self, script: &str) -> anyhow::Result<Value> {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// What the page wrote to the console and what the browser complained of, since last asked. What
    /// it complains of its own pages, as of the one that it starts with, is left out.
    pub fn console(&self) -> anyhow::Result<Vec<String>> {
        let entries = self.call("POST", "/se/log", &json!({ "type": "browser" }))?;
        let entries = entries.as_array().into_iter().flatten();
        let messages = entries.filter_map(|entry| entry["message"].as_str());
        Ok(messages.filter(|it| !it.starts_with("chrome://")).map(str::to_owned).collect())
    }

    /// Lets pages believe that the reader prefers the `dark` or the `light` scheme.
    pub fn prefer_scheme(&self, scheme: &str) -> anyhow::Result<()> {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.cdp("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// Turns JavaScript of pages off or on, from the next page on.
    pub fn javascript(&self, on: bool) -> anyhow::Result<()> {
        self.cdp("Emulation.setScriptExecutionDisabled", &json!({ "value": !on })).map(drop)
    }

    /// Gives the window another size, in pixels.
    pub fn resize(&self, width: u32, height: u32) -> anyhow::Result<()> {
        let size = json!({ "width": width, "height": height });
        self.call("POST", "/window/rect", &size).map(drop)
    }

    /// Draws the whole page into `target/screenshots/NAME.png` and answers the path.
    pub fn screenshot(&self, name: &str) -> anyhow::Result<PathBuf> {
        let options = json!({ "format": "png", "captureBeyondViewport": true });
        // A page that is not laid out yet has no width.
        let mut tries = 0;
        let drawn = loop {
            match self.cdp("Page.captureScreenshot", &options) {
                Err(error) if tries < 50 && error.to_string().contains("0 width") => {
                    tries += 1;
                    std::thread::sleep(Duration::from_millis(100));
                }
                drawn => break drawn?,
            }
        };
        let drawn = drawn["data"].as_str().context("the screenshot has no data")?;
        let folder =
            PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/screenshots"));
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, base64::engine::general_purpose::STANDARD.decode(drawn)?)?;
        Ok(path)
    }

    fn cdp(&self, command: &str, parameters: &Value) -> anyhow::Result<Value> {
        let call = json!({ "cmd": command, "params": parameters });
        self.call("POST", "/goog/cdp/execute", &call)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        let headers: &[_] =
            if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
        let url = format!("{}{path}", self.session);
        let answer = self.client.send(method, &url, headers, &body)?;
        let mut value = answer.json()?;
        if answer.status != 200 {
            bail!("{method} {path}: {}", value["value"]["message"]);
        }
        Ok(value["value"].take())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium leaves by itself when asked; the driver's group is killed after that.
        let _ = self.client.send("DELETE", &self.session, &[], &[]);
    }
}

impl Element<'_> {
    /// Its text, as it is shown.
    pub fn text(&self) -> anyhow::Result<String> {
        text_of(&self.call("GET", "text", &Value::Null)?)
    }

    /// The value of the attribute `name`, if it has one.
    pub fn attribute(&self, name: &str) -> anyhow::Result<Option<String>> {
        let value = self.call("GET", &format!("attribute/{name}"), &Value::Null)?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// Clicks on it, and waits for a page that this opens.
    pub fn click(&self) -> anyhow::Result<()> {
        self.call("POST", "click", &json!({})).map(drop)
    }

    /// Types `text` into it; `\u{e007}` is the Enter key.
    pub fn keys(&self, text: &str) -> anyhow::Result<()> {
        self.call("POST", "value", &json!({ "text": text })).map(drop)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.browser.call(method, &format!("/element/{}/{path}", self.id), body)
    }
}

fn text_of(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).context("WebDriver did not answer with a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_typed_into_and_clicked_on() {
        let browser = Browser::start().unwrap();
        let page = "data:text/html,<title>Harbour</title><input id=in>\
                    <button onclick=\"document.querySelector('p').textContent = \
                    document.querySelector('input').value\">go</button><p>empty</p>";
        browser.goto(page).unwrap();
        assert_eq!(browser.title().unwrap(), "Harbour");
        browser.find("#in").unwrap().keys("digest").unwrap();
        assert_eq!(browser.find("p").unwrap().text().unwrap(), "empty");
        browser.click("button").unwrap();
        browser.wait_for("p", "digest").unwrap();
        assert!(browser.all("table").unwrap().is_empty());
        browser.prefer_scheme("dark").unwrap();
        let dark =
            browser.script("return matchMedia('(prefers-color-scheme: dark)').matches").unwrap();
        assert_eq!(dark, Value::Bool(true));
        let png = std::fs::read(browser.screenshot("testkit").unwrap()).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
    }
}
