import Domain
import FoundationEssentials
import Testing

@testable import Insight

@Suite struct ScorerTests {
    /// Plain sentences customers write. A linear model may miss one in seven; fewer would be luck.
    private static let rightMin = 0.85

    private static let english = (
        negative: """
        My parcel arrived broken and nobody answers.
        This is the worst service I have ever had.
        I want my money back, the lamp stopped working after two days.
        I am very disappointed with the quality.
        Your app keeps crashing and I lost all my work.
        The delivery is three weeks late, this is unacceptable.
        Terrible experience, I will never order again.
        The staff was rude and refused to help.
        It does not work at all.
        I don't like it, it feels cheap.
        You charged me twice and ignored my complaint.
        What a waste of money.
        The battery died after an hour, useless.
        Still no answer, I am so frustrated.
        The food was cold and tasted awful.
        The instructions are confusing and the support is slow.
        I hate the new version, it is full of bugs.
        Not worth the price.
        The box was dirty and two parts were missing.
        The worst purchase of the year, avoid.
        """,
        positive: """
        Thank you so much, it works perfectly now!
        Great service, fast and friendly.
        I love this jacket, it fits perfectly.
        The delivery was quick and the packaging was beautiful.
        Excellent quality for the price, highly recommended.
        You solved my problem in five minutes, amazing support.
        Very happy with my order.
        The best coffee I have had in years.
        Everything arrived on time and in perfect condition, thanks.
        My daughter loves her new bike.
        A wonderful hotel, we will come again.
        Really easy to use and looks great.
        Good value, nice design, works well.
        I am impressed by how helpful your team was.
        The new version is fantastic.
        Perfect, exactly what I needed.
        Five stars, brilliant product.
        So glad I bought this, it is comfortable and warm.
        Thanks for the kind reply, you made my day.
        It runs smoothly and the screen is gorgeous.
        """
    )

    private static let chinese = (
        negative: """
        质量太差了，用了两天就坏了。
        客服态度恶劣，问什么都不回。
        等了三个星期还没收到货，要求退款。
        非常失望，再也不会买了。
        东西是坏的，包装也破了。
        物流太慢，催了好几次都没人理。
        和图片完全不一样，骗人的。
        房间又脏又吵，空调还是坏的。
        手机经常死机，电池很不耐用。
        垃圾产品，浪费钱。
        水果都烂了，根本不能吃。
        衣服掉色严重，洗一次就变形。
        打了五次电话都没有解决问题。
        味道很难闻，用了头皮发痒。
        你们多收了我的钱，还不承认。
        屏幕有坏点，申请换货被拒绝。
        服务员很不耐烦，体验很糟糕。
        软件总是闪退，气死我了。
        不值这个价，后悔买了。
        发错货了，退货还要我自己出运费。
        """,
        positive: """
        非常满意，物流很快，包装也很好。
        质量很好，穿着很舒服，推荐购买。
        客服态度很好，很快就解决了我的问题。
        孩子特别喜欢，谢谢店家。
        房间干净，服务员很热情，下次还会来。
        味道不错，很新鲜，会回购。
        性价比很高，用起来很顺手。
        手机运行流畅，拍照清晰。
        谢谢你们的耐心解答，太感谢了！
        五星好评，值得信赖。
        苹果又大又甜，家人都爱吃。
        颜色很漂亮，尺码也合适。
        发货速度快，第二天就到了，很惊喜。
        早餐丰富，位置方便，非常推荐。
        用了一个月，效果很明显，很开心。
        做工精细，手感很棒。
        问题已经解决了，服务很专业，点赞。
        正品，比实体店便宜，很划算。
        书的内容很精彩，印刷也清楚。
        新版本很好用，界面漂亮。
        """
    )

    @Test("plain sentences get the right sign, at least 85 in 100 in each language", arguments: ["en", "zh"])
    func signs(language: String) throws {
        let scorer = try Scorer(models: shippedModels)
        let sentences = language == "en" ? Self.english : Self.chinese
        var wrong: [String] = []
        var count = 0
        for (text, sign) in [(sentences.negative, -1.0), (sentences.positive, 1.0)] {
            for line in text.split(separator: "\n") {
                count += 1
                let (found, mood) = scorer.score(String(line))
                if found != language || (mood?.score ?? 0) * sign <= 0 { wrong.append("\(mood?.score ?? 0) \(line)") }
            }
        }
        #expect(count == 40)
        #expect(Double(count - wrong.count) / Double(count) >= Self.rightMin, "wrong: \(wrong.joined(separator: " | "))")
    }

    @Test("the words shown are the message's own, strongest first, and the telling ones push the right way")
    func words() throws {
        let scorer = try Scorer(models: shippedModels)
        for (text, telling, sign) in [
            ("The support was TERRIBLE, though the lamp is beautiful.", "TERRIBLE", -1.0),
            ("The support was TERRIBLE, though the lamp is beautiful.", "beautiful", 1),
            ("This is not good.", "not good", -1), ("物流太差了，但是颜色漂亮。", "差", -1), ("物流太差了，但是颜色漂亮。", "漂亮", 1),
        ] {
            let words = try #require(scorer.score(text).mood).words
            #expect(words.count <= 6)
            #expect(words.map { abs($0.weight) } == words.map { abs($0.weight) }.sorted(by: >))
            #expect(words.allSatisfy { text.contains($0.text) })
            let word = try #require(words.first { $0.text.contains(telling) }, "\(words)")
            #expect(word.weight * sign > 0, "\(word)")
        }
    }

    @Test(
        "the phrases of a text and the base add up to its score",
        arguments: [
            "I don't like it, but thanks anyway :-)", "不推荐，太差了！ iPhone 也坏了 👎", "ok", "!!!", "Sooooo goooood http://a.example/x no no no",
        ])
    func addsUp(text: String) throws {
        for language in Scorer.languages {
            let bank = try Bank(path: Scorer.path(shippedModels, language: language))
            var reader = bank.reader()
            reader.read(Array(text.utf8))
            let logits = bank.logits(reader)
            let difference = Double(logits[2] - logits[0]) / Double(bank.header.temperature)
            let phrases = bank.phrases(reader)
            #expect(abs(phrases.map(\.push).reduce(bank.basePush, +) - difference) < 0.001)
            #expect(phrases.flatMap { Array($0.tokens) } == Array(reader.tokens.indices))
        }
    }

    @Test("score, label and confidence belong together and stay in their ranges")
    func ranges() throws {
        let scorer = try Scorer(models: shippedModels)
        for text in [
            "great", "Terrible, terrible, terrible!", "The meeting is on Monday.", "垃圾垃圾垃圾", "好", String(repeating: "bad ", count: 50_000),
        ] {
            let mood = try #require(scorer.score(text).mood, "\(text.prefix(40))")
            #expect((-1...1).contains(mood.score))
            #expect(mood.confidence > 1.0 / 3 - 0.001 && mood.confidence <= 1)
            #expect(mood.label != .negative || mood.score < 0)
            #expect(mood.label != .positive || mood.score > 0)
            #expect(scorer.score(text).mood == mood)
        }
    }

    @Test("the complaint in the subject of a reply does not make a thank-you negative")
    func replySubject() throws {
        let scorer = try Scorer(models: shippedModels)
        let body = "Thank you, that helped a lot!"
        let (language, mood) = scorer.score(subject: "Re: This is the worst, I hate it", body: body)
        #expect(language == "en")
        #expect(mood?.label == .positive)
        #expect(mood?.model == "en-1")
        #expect(scorer.score(subject: "I hate it", body: "").mood?.label == .negative)
    }

    @Test(
        "what no model speaks, and what holds no words, gets no score",
        arguments: ["Wo bleibt mein Paket? Ich bin sehr enttäuscht.", "", " \n ", "届いていません"])
    func noMood(text: String) throws {
        #expect(try Scorer(models: shippedModels).score(subject: "", body: text).mood == nil)
    }

    @Test("a missing model is named with what to do")
    func missing() throws {
        try withFolder { folder in
            let error = #expect(throws: InsightError.self) { try Scorer(models: folder) }
            #expect(
                error?.description
                    == "cannot read the sentiment model \(folder)/sentiment-zh.bin: No such file or directory. "
                    + "Point `models` at the folder that holds sentiment-zh.bin "
                    + "and sentiment-en.bin, or make them with `hongyan insight train --kit DIR`."
            )
        }
    }

    struct Damage: Sendable {
        var says: String
        var change: @Sendable (inout [UInt8]) -> Void
    }

    @Test(
        "a damaged model is refused and named",
        arguments: [
            Damage(says: "it has 0 bytes") { $0 = [] },
            Damage(says: "it has only 100 bytes") { $0 = Array($0.prefix(100)) },
            Damage(says: "it does not begin with \"hongyan sentiment model\"") { $0[0] = 0x48 },
            Damage(says: "its weights do not match its checksum") { $0[100_000] ^= 1 },
            Damage(says: "it was trained for language en") { _ in },
        ])
    func damaged(_ damage: Damage) throws {
        try withFolder { folder in
            var model = try bytes(of: Scorer.path(shippedModels, language: "en"))
            damage.change(&model)
            let path = Scorer.path(folder, language: "zh")
            try Data(model).write(to: URL(filePath: path))
            let error = #expect(throws: InsightError.self) { try Scorer(models: folder) }
            #expect(
                error?.description
                    == "the sentiment model \(path) cannot be used: \(damage.says). Restore the file from the package, "
                    + "or make it again with `hongyan insight train --kit DIR`.")
        }
    }
}
