import Testing

@testable import Console

@Suite struct SentencesTests {
    private static let table = """
        # what was decided
        joined #{ticket} by {how} = 归入 #{ticket}，依据：{how!}
        joined #{ticket} by its {header} header = 归入 #{ticket}，依据 {header} 邮件头
        the number in the subject = 主题中的编号

        nobody is on duty = 无人值班
        {count} of {all} = {all} 中的 {count}
        """

    private static func sentences() throws -> Sentences { try Sentences(table, file: "reasons.zh.txt") }

    @Test(arguments: [
        ("nobody is on duty", "无人值班"),
        ("nobody is on duty.", "nobody is on duty."),
        ("joined #1042 by the number in the subject", "归入 #1042，依据：主题中的编号"),
        ("joined #1042 by magic", "归入 #1042，依据：magic"),
        ("joined #1042 by its References header", "归入 #1042，依据 References 邮件头"),
        ("3 of 7", "7 中的 3"),
        ("{all} of {count}", "{count} 中的 {all}"),
        ("一 of 二 of 三", "二 of 三 中的 一"),
        (" of 7", " of 7"),
        ("", ""),
    ])
    func `a sentence is said in the other language, the most telling pattern first`(sentence: String, said: String) throws {
        #expect(try Self.sentences().translate(sentence) == said)
    }

    @Test func `a sentence that leads to itself ends`() throws {
        let sentences = try Sentences("{a} again = 又 {a!}", file: "reasons.zh.txt")
        #expect(sentences.translate("x again again again again again again") == "又 又 又 又 x again again")
    }

    @Test(arguments: [
        "no equals sign", "{} = 空", "{a}{b} c = {a} {b}", "{a} and {a} = {a}", "said {a} = {b}", "said = ", "{a} = {a}", "said {a = {a}",
        "twice = 一\ntwice = 二",
    ])
    func `a line that is no entry is told with its place`(text: String) throws {
        let error = #expect(throws: ConsoleError.self) { try Sentences("# table\n" + text, file: "reasons.zh.txt") }
        let place = "reasons.zh.txt:\(text.contains("\n") ? 3 : 2): `\(text.split(separator: "\n").last ?? "")`"
        #expect(error?.description.hasPrefix(place) == true)
    }
}
