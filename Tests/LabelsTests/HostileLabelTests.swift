import Foundation
import Host
import Labels
import Recipes
import SystemPackage
import TestSupport
import Testing

/// A roster's author writes into a page that the teacher opens, with passwords on it.
@Suite struct HostileLabelTests {
    private let scratch = ScratchDirectory()

    private func sheet(_ values: [String]) throws -> LabelSheet {
        let columns = (values.indices.map { "column \($0)" } + ["seat"]).joined(separator: ",")
        let row = (values + [values[0]]).map { "\"\($0.doublingQuotes)\"" }.joined(separator: ",")
        scratch.write("nodes: pi1\nroster: r.csv\nuser: { name: pi, password: sesame }\n", to: "class.yaml")
        scratch.write(columns + "\n" + row + "\n", to: "r.csv")
        let loader = RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
        return LabelSheet(
            rack: values[0],
            labels: try loader.loadRack(["class.yaml"]).members.map { NodeLabel($0, password: values[1]) })
    }

    /// The elements of a page, with what a browser would run or load, and all text outside of its style sheet.
    private func parse(_ html: String) throws -> (tags: [String], attributes: [String], text: String) {
        let script = """
            import html5lib, json, sys
            page = html5lib.parse(sys.stdin.buffer.read().decode(), namespaceHTMLElements=False)
            print(json.dumps({'tags': [e.tag if isinstance(e.tag, str) else '#' for e in page.iter()],
                'attributes': sorted({k for e in page.iter() for k in e.attrib}),
                'text': ''.join(t for e in page.iter() if isinstance(e.tag, str) and e.tag != 'style'
                    for t in [e.text or '', e.tail or ''])}))
            """
        let result = try OutsideTool("python3").run(["-c", script], input: Array(html.utf8))
        let found = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any], "\(result.errors)")
        return (
            found["tags"] as? [String] ?? [], found["attributes"] as? [String] ?? [], found["text"] as? String ?? ""
        )
    }

    static let values =
        HostileTexts.all.map { $0 }
        + HostileTexts.marks.flatMap { mark in
            ["<", ">", "&", "\"", "'"].map { "Ann \(mark)\($0)\(mark)" }
                + [
                    "Ann \(mark)<img src=x onerror=alert(1) \(mark)>",
                    "\(mark)</title\(mark)><script\(mark)>alert(1)</script\(mark)>",
                ]
        }

    @Test(arguments: [LabelSheet.labelTemplate, LabelSheet.handOutTemplate])
    func `no value of a roster makes an element or an attribute, whatever its characters are joined with`(
        _ template: String
    ) throws {
        let plain = try parse(try sheet(Self.values.map { _ in "x" }).html(template: template, file: "t"))
        let html = try sheet(Self.values).html(template: template, file: "t")
        let hostile = try parse(html)
        #expect(hostile.tags == plain.tags && hostile.attributes == plain.attributes)
        for value in Self.values {
            #expect(hostile.text.utf8.firstRange(of: value.utf8) != nil, "\(value.debugDescription)")
        }
        // The second wall: a browser that found a script in spite of it would not run it.
        #expect(
            html.contains(
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            ))
    }

    @Test func `a template of the user's, also one that names its type, gets the same escaping`() throws {
        let value = "\u{600}<img src=x\u{600}>"
        for template in ["{{rack}}", "{{% CONTENT_TYPE:HTML}}{{rack}}", "{{#nodes}}{{roster.column_0}}{{/nodes}}"] {
            let html = try sheet([value, "x"]).html(template: template, file: "t")
            #expect(Array(html.utf8) == Array("\u{600}&lt;img src=x\u{600}&gt;".utf8), "\(template)")
        }
    }
}

extension String {
    /// CSV doubles a quote (RFC 4180), wherever it is.
    fileprivate var doublingQuotes: String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar == "\"" { result.append("\"") }
            result.append(scalar)
        }
        return String(result)
    }
}
