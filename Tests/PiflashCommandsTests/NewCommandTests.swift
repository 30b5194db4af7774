import Foundation
import Host
import Setups
import SystemPackage
import TestSupport
import Testing

@Suite struct NewCommandTests {
    let harness = CommandHarness()

    @Test(arguments: SetupTemplate.names)
    func `what a template makes checks as it is`(_ name: String) async throws {
        let outcome = await harness.run("new", name, "mine")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors == "")
        let check = await harness.run("check", "--no-image", "--no-secrets", "mine")
        #expect(check.status == 0, "\(check.errors)")
        #expect(check.errors == "")
        // The next two commands are shown, and are right.
        let write = name == "single" ? "sudo piflash write --recipe mine/pi.yaml /dev/sdX" : "sudo piflash batch mine"
        #expect(outcome.output.hasSuffix("next:\n  piflash check mine\n  \(write)\n"))
        let files = try FileManager.default.contentsOfDirectory(atPath: harness.scratch["mine"].string)
        for file in files {
            let text = String(decoding: harness.scratch.read("mine/\(file)"), as: UTF8.self)
            #expect(!text.contains(/<<|#:|#if|#unless/), "\(text)")
        }
    }

    @Test func `the place for the image is shown, unless it is there`() async throws {
        let missing = await harness.run("new", "rack", "lab/a", "--set", "image=pi os.img")
        #expect(
            missing.output.contains("put the image here, or name yours in lab/a/rack.yaml:\n  lab/a/pi os.img\n"),
            "\(missing.output) \(missing.errors)")
        let other = await harness.run("new", "single", "b", "--set", "image=/images/pi.img")
        #expect(other.output.contains("name yours in b/pi.yaml:\n  /images/pi.img\n"))
        harness.scratch.write("x", to: "pi.img")
        let present = await harness.run("new", "single", "c", "--set", "image=\(harness.scratch["pi.img"])")
        #expect(present.status == 0 && !present.output.contains("put the image"), "\(present.output) \(present.errors)")
    }

    /// The values that any name of a wifi can be, by bytes and characters, reach the card's node.
    @Test(arguments: SetupTemplate.names)
    func `what a template makes checks with any wifi`(_ name: String) async throws {
        for (index, ssid) in [
            "it's \"mine\"", "a: b #c", "yes", "0123", "[x]", " lead", "{{", "\\", "- a", "Café 2", "!env X", "*a",
            "#if name",
            "<<name>>",
        ].enumerated() {
            let outcome = await harness.run(
                "new", name, "w\(index)", "--set", "ssid=\(ssid)", "--set", "country=FR", "--set",
                "timezone=Europe/Paris")
            #expect(outcome.status == 0, "\(ssid): \(outcome.errors)")
            let rack = await harness.run("check", "--no-image", "--no-secrets", "w\(index)")
            #expect(rack.status == 0, "\(ssid): \(rack.errors)")
            let python = try OutsideTool("/usr/bin/python3").run([
                "-c",
                """
                import sys, glob, yaml
                class Loader(yaml.SafeLoader): pass
                Loader.add_multi_constructor('!', lambda loader, suffix, node: None)
                print(yaml.load(open(glob.glob(sys.argv[1] + '/*.yaml')[0]), Loader)['wifi']['networks'][0]['ssid'], end='')
                """, harness.scratch["w\(index)"].string,
            ])
            #expect(python.text == ssid, "\(python.errors)")
        }
    }

    @Test func `count and name make as many nodes of that name`() async throws {
        #expect(await harness.run("new", "classroom", "c", "--count", "30", "--name", "lab").status == 0)
        let check = await harness.run("check", "--no-image", "--no-secrets", "c")
        #expect(check.output.split(separator: "\n").count == 30)
        #expect(check.output.contains("lab30: ok"))
        let labels = await harness.run("labels", "--text", "c")
        #expect(labels.output.contains("student30@lab30.local"))
        let fixed = await harness.run(
            "new", "classroom", "f", "--count", "1", "--set", "first_address=10.0.7.101/24", "--set", "gateway=10.0.7.1"
        )
        #expect(fixed.status == 0, "\(fixed.errors)")
        #expect(await harness.run("labels", "--text", "f").output.contains("student01@10.0.7.101"))
    }

    @Test func `what is there is never touched, and a value that no recipe takes leaves nothing behind`() async throws {
        harness.scratch.write("mine", to: "red/rack.yaml")
        #expect(await harness.run("new", "rack", "red").status == 2)
        #expect(harness.scratch.read("red/rack.yaml") == Array("mine".utf8))
        harness.scratch.write("mine", to: "file")
        #expect(await harness.run("new", "rack", "file").status == 2)
        let outcome = await harness.run("new", "rack", "blue", "--set", "country=Germany", "--set", "ssid=x")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("blue/rack.yaml:"), "\(outcome.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: harness.scratch.path.string)
        #expect(Set(names) == ["red", "file"])
    }

    @Test func `mistakes in the command line are reported with what was meant`() async throws {
        #expect(await harness.run("new", "clasroom", "x").errors.contains("did you mean \"classroom\"?"))
        #expect(await harness.run("new", "single", "x", "--count", "3").errors.contains("has no variable \"count\""))
        #expect(await harness.run("new", "rack", "x", "--set", "ssdi=a").errors.contains("did you mean \"ssid\"?"))
        #expect(await harness.run("new", "rack", "x", "--set", "ssid").status == 2)
        #expect(await harness.run("new", "rack").status == 2)
        #expect(await harness.run("new", "rack", "x", "--count", "2", "--set", "count=3").status == 2)
    }

    @Test func `templates and their variables are listed with their defaults`() async throws {
        let list = await harness.run("new", "--list")
        for name in SetupTemplate.names { #expect(list.output.contains("\(name) ")) }
        let help = await harness.run("new", "classroom", "--help-template")
        #expect(help.output.contains("(24)") && help.output.contains("ssid"))
        for line in (help.output + list.output).split(separator: "\n") { #expect(line.count <= 110) }
    }

    @Test func `one's own directory is a template, and the repository's are the ones compiled in`() async throws {
        harness.scratch.write(
            "#: Ours.\n#: who = me -- a name\nhostname: <<who>>\n", to: "templates/ours/node.yaml")
        let outcome = await harness.run("new", "templates/ours", "made", "--set", "who=red07")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(harness.scratch.read("made/node.yaml") == Array("hostname: red07\n".utf8))
        for name in SetupTemplate.names {
            let path = "\(DocumentationTests.root)/templates/\(name)"
            #expect(await harness.run("new", path, "a-\(name)").status == 0)
            #expect(await harness.run("new", name, "b-\(name)").status == 0)
            let diff = try OutsideTool("diff").run([
                "-r", harness.scratch["a-\(name)"].string, harness.scratch["b-\(name)"].string,
            ])
            #expect(diff.succeeded, "\(diff.text)")
        }
    }

    @Test func `the directories on the way are made, too, and others may read them`() async throws {
        let outcome = await harness.run(list: ["new", "rack", "a/b/red"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        for path in ["a", "a/b", "a/b/red"] {
            #expect(try harness.scratch[path].stat().permissions.rawValue == 0o755, "\(path)")
        }
    }

    @Test func `what fails leaves no directory behind that is not empty`() async throws {
        #expect(await harness.run("new", "rack", "a/b/red", "--set", "country=Germany", "--set", "ssid=x").status == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: harness.scratch["a/b"].string) == [])
    }
}
