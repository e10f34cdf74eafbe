"""What a person does with the models, without a screen: the same verbs for the page, the command line and the API."""
