import Foundation
import TestSupport

/// Independent programs as the tests call them.
enum Oracle {
    /// Debian's own python, which has PyYAML and cloud-init; PATH may have another one first.
    static func python(_ program: String, input: [UInt8] = []) throws -> OutsideTool.Result {
        try OutsideTool("env").run(["/usr/bin/python3", "-c", program], input: input)
    }

    /// Gives a program of python the question as `question`, and returns what it leaves in `answer`.
    static func ask<Answer: Decodable>(_ question: some Encodable, _ program: String) throws -> Answer {
        let whole = "import json, sys\nquestion = json.load(sys.stdin)\n\(program)\njson.dump(answer, sys.stdout)\n"
        let result = try python(whole, input: Array(JSONEncoder().encode(question)))
        guard result.succeeded else { throw OutsideTool.Missing(description: "python3: \(result.errors)") }
        return try JSONDecoder().decode(Answer.self, from: Data(result.output))
    }
}
