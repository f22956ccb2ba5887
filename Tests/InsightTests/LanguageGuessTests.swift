import Testing

@testable import Insight

@Suite struct LanguageGuessTests {
    struct Case: Sendable {
        var text: String
        var language: String?
    }

    @Test(
        "the language of a message is told by its script and its common words",
        arguments: [
            Case(text: "我的包裹还没有到，请帮我查一下", language: "zh"),
            Case(text: "這個產品很好用，謝謝你們的客服", language: "zh"),
            Case(text: "iPhone 15 Pro Max 充电口坏了，怎么保修", language: "zh"),
            Case(text: "订单 https://shop.example/orders/very-long-address-in-latin-letters 没收到", language: "zh"),
            Case(text: "荷物がまだ届いていません。確認してください。", language: "ja"),
            Case(text: "배송이 아직 도착하지 않았습니다", language: "ko"),
            Case(text: "Where is my parcel? I ordered it two weeks ago.", language: "en"),
            Case(text: "I DON’T KNOW WHY THIS WAS SENT TO ME", language: "en"),
            Case(text: "Terrible.", language: "en"),
            Case(text: "Wo bleibt mein Paket? Ich habe es vor zwei Wochen bestellt.", language: "de"),
            Case(text: "Où est mon colis ? Je l'ai commandé il y a deux semaines.", language: "fr"),
            Case(text: "¿Dónde está mi paquete? Lo pedí hace dos semanas.", language: "es"),
            Case(text: "Onde está a minha encomenda? Eu pedi há duas semanas e não chegou.", language: "pt"),
            Case(text: "Dov'è il mio pacco? L'ho ordinato due settimane fa e non è arrivato.", language: "it"),
            Case(text: "Waar is mijn pakket? Ik heb het twee weken geleden besteld.", language: "nl"),
            Case(text: "Gdzie jest moja paczka? Zamówiłem ją dwa tygodnie temu.", language: "pl"),
            Case(text: "Var är mitt paket? Jag beställde det för två veckor sedan.", language: "sv"),
            Case(text: "Missä pakettini on? Tilasin sen kaksi viikkoa sitten.", language: "fi"),
            Case(text: "Paketim nerede? İki hafta önce sipariş verdim ama gelmedi.", language: "tr"),
            Case(text: "Đơn hàng của tôi ở đâu? Tôi đã đặt hai tuần trước.", language: "vi"),
            Case(text: "Где моя посылка? Я заказал её две недели назад.", language: "ru"),
            Case(text: "Де моя посилка? Я замовив її два тижні тому.", language: "uk"),
            Case(text: "أين طردي؟ طلبته قبل أسبوعين", language: "ar"),
            Case(text: "บริการดีมาก ขอบคุณครับ", language: "th"),
            Case(text: "मेरा पार्सल कहाँ है", language: "hi"),
            Case(text: "Πού είναι το δέμα μου;", language: "el"),
            Case(text: "", language: nil),
            Case(text: "12345 :-) 🎉", language: nil),
            Case(text: "https://shop.example/where/is/the/order", language: nil),
        ])
    func tells(_ one: Case) {
        #expect(LanguageGuess(of: one.text).language == one.language, "\(one.text)")
    }

    @Test("words that no list knows only lean towards English, and say so")
    func leans() {
        let guess = LanguageGuess(of: "Battery exploded")
        #expect(guess.language == "en")
        #expect(guess.confidence < 0.5)
        #expect(LanguageGuess(of: "Where is my order? I want it now, please.").confidence > 0.5)
    }

    @Test("a text cut in the middle of a character is read to its end")
    func malformed() {
        let bytes = Array("包裹太慢了".utf8)
        for count in 0...bytes.count { #expect(LanguageGuess(of: Array(bytes.prefix(count))).confidence <= 1) }
        #expect(LanguageGuess(of: [0xFF, 0xFE, 0xC3, 0x28, 0xF0, 0x9F]).language == nil)
    }
}
